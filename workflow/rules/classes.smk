# The study of "Understanding Fine-tuning in Approximate Unlearning": what it draws from, its tables,
# its verdicts, its report, its targets.

from palimpsest.studies.classes.settings import Settings as Classes

CLASSES = Classes.model_validate(config["classes"])
CLASSES_TABLES = {  # name among the inputs of programs -> file
    f"{experiment}_{table}": f"<results>/classes/{experiment}/{table}.csv"
    for experiment, part in CLASSES.experiments.items()
    for metric in part.metrics
    for table in [metric] + ([f"{metric}{MODELS}"] if metric != "klom" else [])
}


rule classes:
    input:
        list(CLASSES_TABLES.values()),
    localrule: True
