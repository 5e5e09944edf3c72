"""Checks of the exercises of chapter 5."""

EXERCISES: dict = {}
