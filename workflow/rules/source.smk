"""Where the workflow's own files are: the library, the schema, the default configuration."""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import HostingProviderFile, LocalGitFile


def git(repository, *arguments):
    """What git prints about a repository, in bytes."""
    done = subprocess.run(["git", "-C", repository, *arguments], capture_output=True)
    if done.returncode:
        raise WorkflowError(f"git {arguments[0]} in {repository}: {done.stderr.decode().strip()}")
    return done.stdout


def unpacked(repository, ref):
    """The files of a workflow that is loaded from a git repository, in a folder of their own.

    Snakemake fetches rules and scripts one by one; the library that they import has to be in a
    folder, which each node of a cluster sees.
    """
    commit = git(repository, "rev-parse", f"{ref}^{{commit}}").decode().strip()
    folder = Path(".snakemake", "finetone", commit).absolute()
    if not folder.exists():
        files = git(repository, "archive", commit, "workflow", "config", "envs")
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
                with tarfile.open(fileobj=io.BytesIO(files)) as archive:
                    archive.extractall(Path(partial, commit), filter="data")
                Path(partial, commit).rename(folder)
        except OSError as error:
            if not folder.exists():  # another process may have been first
                raise WorkflowError(f"{folder}: cannot be written ({error.strerror})") from None
    return folder


def folder_of(source):
    """The folder that holds a source folder `workflow/rules`, from disk or from git."""
    if isinstance(source, LocalGitFile):
        return unpacked(source.repo_path, source.ref)
    if isinstance(source, HostingProviderFile):
        return unpacked(source.hosted_repo.repo_clone, source.ref)
    return Path(str(source)).parent.parent


HERE = folder_of(workflow.current_basedir)
WORKFLOW = HERE / "workflow"
# Here and in the scripts of the jobs, this library comes before any other of the same name.
sys.path.insert(0, str(WORKFLOW / "scripts"))
os.environ.update(PYTHONPATH=f"{WORKFLOW / 'scripts'}:{os.getenv('PYTHONPATH', '')}".rstrip(":"))
