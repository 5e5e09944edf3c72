"""What the reader does: guesses, the quiz of notebook 1, and the checks of the exercises."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "checking": ["Reply", "check", "known_exercises", "not_yet", "reveal", "right"],
        "quiz": ["Quiz", "your_score"],
    },
)
