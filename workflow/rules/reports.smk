# Reports: the figures of the paper, each a target, the notebook, and the whole study.


rule ascent:
    input:
        "<results>/ascent/klom.csv",
    localrule: True
