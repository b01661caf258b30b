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
FIGURE_NOTES["classes"] = SETUP
FIGURE_SETTINGS["classes"] = {}
FIGURE_FILES["classes"] = CLASSES_TABLES | {"printed": "reports/classes/printed.csv"}


rule classes:
    input:
        list(CLASSES_TABLES.values()),
        tables_in("classes"),
    localrule: True
