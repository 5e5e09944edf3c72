"""The one kind of error that this package raises on purpose."""


class TruthPixelError(ValueError):
    """Bad input, said in one sentence: what was named, what was found, what would work."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a stack trace: the reader needs the sentence, not our call stack."""
        return [f"{type(self).__name__}: {self}"]
