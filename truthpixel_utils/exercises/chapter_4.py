"""Checks of the exercises of chapter 4."""

EXERCISES: dict = {}
