"""Checks of the exercises of chapter 3."""

EXERCISES: dict = {}
