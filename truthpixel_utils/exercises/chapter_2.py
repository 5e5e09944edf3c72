"""Checks of the exercises of chapter 2."""

EXERCISES: dict = {}
