"""Figure 3: forget sets of different difficulties, against the validation set."""

from functools import partial

from palimpsest.studies.ascent.figures._planes import draw_planes

INPUTS = ("klom",)
draw = partial(
    draw_planes, title="Ascent Fails to Forget, Figure 3: different difficulties", against="val"
)
