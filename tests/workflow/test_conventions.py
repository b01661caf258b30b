"""The form of the workflow: lint, format, what rules declare, names, overlays, pinned versions."""

import ast
import re
import runpy
import shlex
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from running import ROOT, SMOKE, TIMEOUT, copy_sources, look, plan, sources

from palimpsest import config as configuration
from palimpsest.forecast.devices import device_named, devices
from palimpsest.forecast.jobs import Job
from palimpsest.forecast.stages import Slots, stages_of, tasks_of, wall_seconds
from palimpsest.forecast.work import Counted
from palimpsest.registry import KINDS, names

MOST_JOBS = 2000
RULE_FILES = [ROOT / "Snakefile", *sorted(ROOT.glob("workflow/rules/*.smk"))]
STUDIES = names("studies")
PROGRAMS = sorted(path.stem for path in ROOT.glob("src/*.py"))
TOOLS = sorted(path.stem for path in ROOT.glob("tools/*.py"))
"""helpers of the command line, which no rule runs"""
DECLARED = ("log:", "benchmark:", "conda:", "threads:", "resources:", "mem_mb=", "runtime=")


def rule_texts() -> dict[str, str]:
    """The text of every rule, by its name."""
    texts = {}
    for path in RULE_FILES:
        text = path.read_text(encoding="utf-8")
        for rule in re.finditer(r"^rule (\w+):\n((?:[ ].*\n|\n)*)", text, re.M):
            texts[rule[1]] = rule[2]
    return texts


RULES = rule_texts()
JOB_RULES = sorted(name for name, text in RULES.items() if "localrule: True" not in text)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of the repository, without data and results."""
    return copy_sources(tmp_path_factory.mktemp("conventions"))


def overlay_commands() -> list[str]:
    """The commands that the overlays show in their comments."""
    return [
        command
        for path in sorted(ROOT.glob("config/*.yaml"))
        for command in re.findall(r"^#\s+(snakemake .+)$", path.read_text(encoding="utf-8"), re.M)
    ]


def test_the_linter_is_content(project):
    done = look(project, "--lint")
    assert done.returncode == 0, done.stdout


def test_the_rules_are_formatted():
    done = subprocess.run(
        [Path(sys.executable).with_name("snakefmt"), "--check", "Snakefile", "workflow"],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("overlay", sorted(path.name for path in ROOT.glob("config/*.yaml")))
def test_an_overlay_shows_its_command(overlay):
    assert any(f"--configfile config/{overlay}" in command for command in overlay_commands())


COMMANDS = ["snakemake", *overlay_commands()]
TARGETS = {
    "results/smoke/ascent/klom.csv": "gather",
    "results/smoke/ascent/figure_1.pdf": "draw",
    "results/smoke/splits/random_8.json": "select_forget_set",
    "results/smoke/datamodels/estimate.json": "estimate_datamodel",
    "datamodel": "datamodel",
    "figures": "figures",
    "ascent": "ascent",
    "theory": "theory",
}
"""target -> the rule that makes it"""


@pytest.fixture(scope="module")
def plans(project: Path, pool: ThreadPoolExecutor) -> dict[str, Future[list[Job]]]:
    """What each command and each target plans, two at a time."""
    arguments = {command: shlex.split(command)[1:] for command in COMMANDS}
    arguments |= {target: [target, "--configfile", SMOKE] for target in TARGETS}
    return {name: pool.submit(plan, project, *words) for name, words in arguments.items()}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_plans_a_bearable_number_of_jobs(command, plans):
    assert 10 < len(plans[command].result()) < MOST_JOBS


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_by_name(target, plans):
    jobs = plans[target].result()
    assert jobs[-1].rule == TARGETS[target]
    assert target in (*jobs[-1].outputs, jobs[-1].rule)
    assert all(job.rule != "all" for job in jobs)


FORECAST = {
    "config/smoke.yaml": {
        "data and forget sets": 3, "datamodels": 2, "originals": 1, "oracles": 2,
        "second oracles": 1, "unlearning: nothing": 2, "unlearning: ga": 2,
        "unlearning: gda": 2, "unlearning: scrub": 2,
        "scores": 21, "figures, verdicts, reports": 10, "targets (no program)": 1,
    },
    "config/cifar10.yaml": {"originals": 10, "oracles": 90, "second oracles": 10},
}  # fmt: skip
"""overlay -> jobs of stages, reckoned by hand"""


@pytest.mark.parametrize("overlay", FORECAST)
def test_the_forecast_has_the_jobs_of_the_dry_run(overlay, plans, project):
    """With seconds and disk for each of them that runs a program."""
    command = next(one for one in COMMANDS if one.endswith(f"--configfile {overlay}"))
    jobs = plans[command].result()
    config = configuration.load([ROOT / "config.yaml", ROOT / overlay])
    known = devices(ROOT / "benchmarks" / "throughputs.yaml")
    device = device_named(None, config["device"], known)
    tasks = tasks_of(jobs, Counted(config, project), device, known)
    stages = {stage: len(own) for stage, own in stages_of(tasks).items()}
    assert FORECAST[overlay].items() <= stages.items()
    assert sum(stages.values()) == len(jobs)
    assert all((task.seconds > 0 and task.work.disk > 0) == bool(task.job.words) for task in tasks)
    total = sum(task.seconds for task in tasks)
    assert total / 2 <= wall_seconds(tasks, Slots(jobs=2, gpus=2)) <= total


def test_every_rule_file_is_read():
    assert len(JOB_RULES) >= 10
    assert {"train_block", "unlearn_block", "gather"} <= set(JOB_RULES)


@pytest.mark.parametrize("rule", JOB_RULES)
def test_a_rule_declares_what_it_needs(rule):
    assert [word for word in DECLARED if word not in RULES[rule]] == []


@pytest.mark.parametrize("rule", JOB_RULES)
def test_a_rule_runs_the_program_of_its_name(rule):
    text = RULES[rule]
    script = re.search(r'^ +script="src/(\w+)[.]py",$', text, re.M)
    assert script is not None
    program = script[1]
    assert rule == program or rule in {f"{program}_{study}" for study in STUDIES}
    assert "python {input.script}" in text
    assert re.search(rf'lib=(lambda \w+: )?library_inputs\(\s*"src/{program}.py"', text)


@pytest.mark.parametrize("program", [*PROGRAMS, *(f"../tools/{tool}" for tool in TOOLS)])
def test_a_program_explains_itself(program, monkeypatch, capsys):
    path = ROOT / "src" / f"{program}.py"
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {path.name}")


def test_every_program_has_a_rule_and_no_tool_has_one():
    run_by = {rule.removesuffix(f"_{study}") for rule in JOB_RULES for study in STUDIES}
    assert set(PROGRAMS) - {"plan"} <= run_by  # which looks ahead
    assert TOOLS and not set(TOOLS) & run_by


@pytest.mark.parametrize("rule", [rule for rule in JOB_RULES if " seals=" in RULES[rule]])
def test_what_judges_or_shows_tables_is_told_what_they_have_to_hold(rule):
    text = RULES[rule]
    assert rule.startswith("report_") or ("grids=" in text and "{params.grids}" in text)


def test_whoever_reads_records_asks_what_they_are_of():
    """With `load_population`, or with what is made of it."""
    read = [path for folder in ("src", "tools") for path in (ROOT / folder).rglob("*.py")]
    found = {path.name for path in read if "Record.load(" in path.read_text(encoding="utf-8")}
    assert found == {"records.py"}


def imported(path: Path) -> set[str]:
    """The modules that a Python file imports, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


LIBRARY = ROOT / "src" / "palimpsest"


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: str(path.stem))
def test_the_engine_imports_no_study_and_no_study_another(path):
    parts = path.relative_to(LIBRARY).parts
    own = f"palimpsest.studies.{parts[1]}." if parts[0] == "studies" and len(parts) > 2 else None
    foreign = [name for name in imported(path) if name.startswith("palimpsest.studies")]
    assert [name for name in foreign if own is None or not f"{name}.".startswith(own)] == []


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_is_one_name_in_three_places(study):
    assert (ROOT / "workflow" / "rules" / f"{study}.smk").is_file()
    assert (LIBRARY / "studies" / study / "settings.py").is_file()
    assert list((LIBRARY / "studies" / study / "figures").glob("[a-z]*.py"))
    reports = ROOT / "reports" / study
    assert (reports / "report.ipynb").is_file()
    figures = {path.stem for path in (LIBRARY / "studies" / study / "figures").glob("[a-z]*.py")}
    assert figures <= {path.stem for path in (reports / "captions").glob("*.rst")}
    other = "|".join(name for name in STUDIES if name != study)
    rules = (ROOT / "workflow" / "rules" / f"{study}.smk").read_text(encoding="utf-8")
    assert re.findall(rf"\b({other})\b", rules) == []


ENGINE_RULES = [path for path in RULE_FILES if path.stem not in (*STUDIES, "Snakefile")]


@pytest.mark.parametrize("path", ENGINE_RULES, ids=lambda path: path.stem)
def test_the_rules_of_the_engine_name_no_study_data_set_model_or_method(path):
    words = {*STUDIES, *(name for kind in KINDS for name in names(kind))}
    words -= {"file", "random", "nothing", "accuracy", "klom"}  # words with a meaning of their own
    text = re.sub(r"#.*|\"\"\".*?\"\"\"", "", path.read_text(encoding="utf-8"), flags=re.S)
    assert re.findall(rf"\b({'|'.join(sorted(words))})\b", text) == []


def lock() -> dict[str, str]:
    """Package to version in the lock."""
    text = (ROOT / "envs" / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([\w.+-]+)", text, re.M))


def test_the_lock_holds_what_is_asked_for():
    asked = (ROOT / "envs" / "requirements.in").read_text(encoding="utf-8")
    names = set(re.findall(r"^([a-z][\w.-]*)$", asked, re.M))
    assert {"torch", "snakemake", "pytest"} <= names
    assert names <= set(lock())


def test_the_conda_environment_has_the_versions_of_the_lock():
    environment = yaml.safe_load((ROOT / "envs" / "palimpsest.yaml").read_text(encoding="utf-8"))
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    pinned = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    versions = dict(entry.split("==") for entry in pinned)
    assert "python =3.11" in plain
    assert {"torch", "snakemake", "numpy"} <= set(versions)
    assert versions == {name: lock()[name] for name in versions}


def test_the_container_has_the_lock_and_its_python():
    recipe = (ROOT / "envs" / "palimpsest.def").read_text(encoding="utf-8")
    asked = (ROOT / "envs" / "requirements.in").read_text(encoding="utf-8")
    version = re.search(r"--python-version ([\d.]+)", asked)[1]
    assert re.findall(r"^From: (.+)$", recipe, re.M) == [f"python:{version}-slim"]
    source, target = re.search(r"^ +(envs/\S+) (/\S+)$", recipe, re.M).groups()
    assert (ROOT / source).name == "requirements.lock" and (ROOT / source).is_file()
    assert f"--require-hashes -r {target}\n" in recipe
    assert len(re.findall(r"\binstall\b", recipe)) == 2  # uv, and the lock by it: nothing else
    image = re.search(r"apptainer build (\S+) envs/palimpsest.def", recipe)[1]
    assert f'container: "{image}"' in (ROOT / "Snakefile").read_text(encoding="utf-8")


HOST = (
    r"https?://[^\s/]*(?:pypi|pythonhosted|anaconda|conda-forge|mirror|registry|artifactory|nexus)"
)
OPTION = r"(?<!emit-)\b(?:extra-)?index[-]url|\bUV_(?:DEFAULT_)?INDEX|\bPIP_INDEX"
PLACE = r"(?<![\w.~>}/])/(?:work|tmp|root|home|mnt|Users)/"


@pytest.mark.parametrize("pattern", [HOST, OPTION, PLACE], ids=["host", "option", "place"])
def test_no_file_names_a_registry_or_a_place_of_one_machine(pattern):
    found = []
    for name in sources():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            text = content.decode("utf-8", errors="replace")
            found += [f"{name}: {match[0]}" for match in re.finditer(pattern, text)]
    assert found == []
