"""Run an experiment: snakemake, with one line per running job and the answer at the end.

CONFIG is one file or several, of which later ones win; all that follows is given to snakemake as
it is: options, and targets.

    finetone run config/demo.yaml
    finetone run config/config.yaml config/careful.yaml --resources gpu=1
    finetone run config/demo.yaml -n

All cores are used unless --cores says otherwise. On a terminal there is one line per running job
with its progress, and one for all; on a pipe a line now and then. The rest is in the log that is
named at the end. With an option that runs nothing (-n, --lint, --unlock …), or with a --logger of
your own, it is plain snakemake.
"""

import argparse
import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from finetone import log
from finetone.commands import clone, show
from finetone.errors import UserError, first_line

NAME = "finetone"  # of our logger among Snakemake's
SUFFIXES = (".yaml", ".yml", ".json")
# options of snakemake that make it do something else than run jobs
OTHERWISE = (
    *("dryrun", "lint", "list_target_rules", "list_rules", "print_compilation", "touch", "unlock"),
    *("dag", "rulegraph", "filegraph", "d3dag", "summary", "detailed_summary", "archive"),
    *("report", "reporter", "containerize", "generate_unit_tests", "edit_notebook"),
    *("draft_notebook", "conda_cleanup_envs", "conda_create_envs_only", "list_conda_envs"),
    *("cleanup_metadata", "cleanup_shadow", "container_cleanup_images", "list_changes"),
    *("list_input_changes", "list_params_changes", "list_untracked"),
    *("delete_all_output", "delete_temp_output", "deploy_sources"),
)
PARTLY = ("until", "omit_from", "batch")  # options with which not all is made


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.usage = "finetone run CONFIG [CONFIG …] [option of snakemake …] [TARGET …]"
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Run snakemake, and say what came out.

    Raises
    ------
    UserError
        A configuration is missing, or snakemake does not know an option.
    """
    configs, words = divided(options.words)
    from snakemake import cli

    parser, args = parsed(words)
    args.configfile = [*map(Path, configs), *(args.configfile or [])]
    clone.check_library(args.snakefile, "run")
    if args.logger or any(getattr(args, name, None) for name in OTHERWISE):
        return 0 if cli.args_to_api(args, parser) else 1
    from finetone.terminal.display import Display
    from finetone.terminal.failures import shown
    from finetone.terminal.streams import Streams

    with Streams() as streams:
        display = Display(streams)
        register(display)
        args.logger = [NAME]
        good = cli.args_to_api(args, parser)
    if display.interrupted:
        log.on_terminal(log.INTERRUPTED)
    elif good:
        whole = not any(getattr(args, name, None) for name in PARTLY)
        whole = whole and set(map(str, args.targets or ())) <= {"all"}
        if display.results and whole:
            show.show(display.results)
        if display.log:
            print(f"log: {shown(display.log, Path.cwd())}")
    return 0 if good else 1


def divided(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Configurations, and what is snakemake's.

    Parameters
    ----------
    words
        What follows `finetone run`.

    Raises
    ------
    UserError
        No configuration is given, or one is not there or cannot be read.
    """
    rest = list(words)
    configs = []
    while rest and rest[0].endswith(SUFFIXES) and not rest[0].startswith("-"):
        configs.append(rest.pop(0))
    if not configs:
        given = f"{rest[0]} does not end in .yaml. " if rest and rest[0][0] != "-" else ""
        raise UserError(f"run: which experiment? {given}For example: finetone run config/demo.yaml")
    for config in configs:
        clone.check_configuration("run:", Path(config))
    return configs, rest


def parsed(words: list[str]) -> tuple[Any, Any]:
    """Snakemake's parser, and what it makes of `words`; all cores unless they say otherwise.

    Raises
    ------
    UserError
        It does not understand them.
    """
    from snakemake import cli
    from snakemake.utils import available_cpu_count
    from snakemake_interface_common.exceptions import ApiError

    if not any(word.partition("=")[0] in ("-s", "--snakefile") for word in words):
        words = ["--snakefile", str(clone.find("Snakefile")), *words]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):  # the usage of all options, and which profile it is
            parser, args = cli.parse_args(words)
    except (ApiError, cli.CliException) as error:
        raise UserError(f"run: {first_line(error)}") from None
    except SystemExit as error:
        if not error.code:
            raise
        last = (said.getvalue().strip() or "wrong options of snakemake").splitlines()[-1]
        raise UserError(f"run: {last.partition('error: ')[2] or last}") from None
    if args.executor in (None, "local") and args.cores is None and args.jobs is None:
        args.cores = available_cpu_count()
    return parser, args


def register(display: Any) -> None:
    """Have Snakemake know a logger that `display` hears."""
    from snakemake_interface_logger_plugins.base import LogHandlerBase
    from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

    class LogHandler(LogHandlerBase):
        writes_to_stream = True
        writes_to_file = False
        has_filter = has_formatter = True  # it takes all, and says it in its own words
        needs_rulegraph = False

        def emit(self, record: Any) -> None:
            display.hear(record)

        def close(self) -> None:
            display.close()
            super().close()

    plugin: Any = SimpleNamespace(LogHandler=LogHandler)
    registry = LoggerPluginRegistry()
    registry.plugins.pop(NAME, None)
    registry.register_plugin(f"{registry.module_prefix}{NAME}", plugin)
