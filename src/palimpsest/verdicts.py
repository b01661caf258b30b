"""The words of every verdict, and the logic of yes, no and undecided that leads to them.

Claims about experiments (`claims.py`) and statements of a theory are judged in these words alone.
"""

HOLDS = "holds"
HOLDS_WITH_CONDITION = "holds with a condition"
FAILS = "fails"
UNDECIDED = "not decided at this scale"
QUANTIFIERS = ("all", "most", "some", "none")

Answer = bool | None
"""yes, no, or undecided"""


def verdict(answers: list[Answer], quantifier: str) -> str:
    """What the answers decide, whatever the undecided ones might be; no cases decide nothing."""
    yes, no, cases = answers.count(True), answers.count(False), len(answers)
    holds = {"all": yes == cases, "most": 2 * yes > cases, "some": yes > 0, "none": no == cases}
    fails = {"all": no > 0, "most": 2 * no >= cases, "some": no == cases, "none": yes > 0}
    if quantifier not in holds:
        raise ValueError(f"quantifier {quantifier}: allowed are {', '.join(QUANTIFIERS)}")
    if cases == 0:
        return UNDECIDED
    return HOLDS if holds[quantifier] else FAILS if fails[quantifier] else UNDECIDED


def both(first: Answer, second: Answer) -> Answer:
    """Yes if both are yes, no if one is no, otherwise undecided."""
    if first is False or second is False:
        return False
    return True if first and second else None


def either(*answers: Answer) -> Answer:
    """Yes if one is yes, no if all are no, otherwise undecided."""
    return True if True in answers else None if None in answers else False


def negation(answer: Answer) -> Answer:
    """No for yes, yes for no; undecided stays."""
    return None if answer is None else not answer
