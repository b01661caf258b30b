# On a SLURM cluster: what can be known before the first job is submitted, in sentences.

from palimpsest import slurm

PROFILE = "profiles/slurm/profile.yaml, or the profile that is used"
ASKED = {  # resource of a job -> in words
    "slurm_partition": "partition {}",
    "slurm_account": "account {}",
    "runtime": "{} minutes",
    "mem_mb": "{} MB",
    "threads": "{} CPU",
    "gpu": "{} GPU",
    "gpu_model": "of type {}",
    "gres": "{}",
    "constraint": "with {}",
    "qos": "QOS {}",
}


def begin_on_cluster(executor):
    """Note the name of the run's jobs, and end with a sentence where SLURM would take none of them."""
    if RUNNING:
        RUNNING.has_jobs_named(executor.run_uuid)
    else:
        logger.warning(
            "this file system has no locks: should this run be killed, cancel its jobs by hand"
            f" (scancel --name={executor.run_uuid}) before it is started again"
        )
    ask_again(executor)
    try:
        check_cluster(executor)
    except (InputError, TimeoutError) as error:
        sys.exit(f"error: {error}")


def ask_again(executor):
    """Ask again for jobs of which SLURM did not answer: the plugin (2.8) would wait for them forever."""
    ask = executor.check_active_jobs

    async def check(jobs):
        answers = executor._status_query_calls
        running = [job async for job in ask(jobs)]
        for job in running if executor._status_query_calls > answers else jobs:
            yield job

    executor.check_active_jobs = check


def check_cluster(executor):
    """InputError if the cluster cannot run the jobs of this run, or not tell how they are."""
    known = slurm.partitions()
    if known is None:
        raise InputError(
            "SLURM does not answer (sinfo); run this on a node where jobs are submitted"
        )
    if not slurm.has_accounting():
        check_without_accounting(executor)
    requests = {}
    for job in workflow.dag.needrun_jobs():
        if not job.is_local:
            asked = {**dict(job.resources.items()), "threads": job.threads}
            request = tuple((name, asked.get(name)) for name in ASKED)
            requests.setdefault(request, job)
    for request, job in requests.items():
        check_request(executor, job, dict(request), known)
        for name in ("mem_mb", "runtime"):
            most = workflow.global_resources.get(name)
            if most is not None and most.value == job.resources[name]:
                logger.warning(
                    f"jobs of {job.rule.name} may need more than the"
                    f" {ASKED[name].format(most.value)} that resources in {PROFILE} let them have"
                )


def check_without_accounting(executor):
    """InputError where a setting needs accounts, and SLURM keeps none."""
    settings = workflow.executor_settings
    none = "SLURM keeps no accounting on this cluster"
    if settings.status_command != "squeue":
        raise InputError(
            f"{none}, so that sacct cannot say how jobs are; write slurm-status-command: squeue"
            f" in {PROFILE}"
        )
    remembered = int(slurm.setting("MinJobAge") or 0)
    if remembered < 3 * settings.init_seconds_before_status_checks:
        raise InputError(
            f"{none} and it forgets jobs {remembered} seconds after their end (MinJobAge); needed:"
            f" slurm-init-seconds-before-status-checks of at most {remembered // 3} in {PROFILE}"
        )
    if any(job.resources.get("slurm_account") for job in workflow.dag.needrun_jobs()):
        raise InputError(
            f"{none}, so that no account can be checked; remove slurm_account from {PROFILE}"
        )


def check_request(executor, job, asked, known):
    """InputError if SLURM would never run what a job asks for."""
    from snakemake_executor_plugin_slurm.submit_string import get_submit_command
    from snakemake_executor_plugin_slurm.utils import set_gres_string

    partition = asked["slurm_partition"]
    for one in str(partition or "").split(","):
        if one and one not in known:
            raise InputError(
                f"SLURM has no partition {one}; allowed: {', '.join(known)}, as slurm_partition"
                f" in {PROFILE}"
            )
    account = asked["slurm_account"]
    submission = {
        "run_uuid": executor.run_uuid,
        "slurm_logfile": os.devnull,
        "comment_str": job.rule.name,
        "account": f"-A {shlex.quote(str(account))}" if account else "",
        "partition": f"-p {shlex.quote(str(partition))}" if partition else "",
        "workdir": os.getcwd(),
    }
    call = get_submit_command(job, submission, settings=workflow.executor_settings)
    if why := slurm.refusal(call + set_gres_string(job)):
        words = [
            text.format(asked[name]) for name, text in ASKED.items() if asked[name]
        ]
        raise InputError(
            f"SLURM would never run {job.rule.name}, since {why}; it asks for"
            f" {', '.join(words)}; see set-resources and resources in {PROFILE}"
        )
