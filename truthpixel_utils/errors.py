"""The one kind of error that this package raises on purpose."""


class TruthPixelError(ValueError):
    """Bad input, told in one sentence: what was named, what was found, and what would work."""

    def _render_traceback_(self) -> list[str]:
        """Give IPython the sentence alone to show: our call stack would not help the reader."""
        return [f"{type(self).__name__}: {self}"]
