"""The two classes: their order, their names, and what a detector may answer.

Label 0 is real and label 1 is AI-generated, the positive class. Nothing else in the package spells these names out.
"""

KEYS = ("real", "ai")  # short names: of the label's ClassLabel, of colours, of files
CLASSES = ("real", "AI-generated")  # as a reader sees them
REAL, AI = CLASSES
CANNOT_TELL = "cannot tell"  # abstention: between the two thresholds, and wherever the detector knows nothing
VERDICTS = (REAL, CANNOT_TELL, AI)  # in the order of the probability

# A data set's class names, in lower case -> label. A name that is not here is an error, never a guess.
CLASS_NAMES = {"real": 0, "fake": 1, "ai": 1, "ai-generated": 1, "generated": 1}
