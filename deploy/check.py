"""`make check`: every check that needs no test run, one line each, all of them even when one fails."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.local.services import ThrowAwayServices

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TEMPLATES = ["templates"]
AUDIT_PATIENCE_S = 120
# A deployment as the documentation describes it; what the developer's shell holds must not soften the checks.
PRODUCTION = {
    "DEBUG": "0",
    "ALLOWED_HOSTS": "sms.example.com",
    "SITE_URL": "https://sms.example.com",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "EMAIL_URL": "smtp+tls://mailer:password@smtp.example.com:587",
    "BEHIND_PROXY": "1",
    "TRUSTED_PROXIES": "172.16.0.0/12",
    "SANDBOX_URL": "",
    "LOG_LEVEL": "WARNING",
}


class Report:
    """Prints each result as it comes and remembers what failed."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def run(self, title: str, command: list[str], env: Mapping[str, str] | None = None) -> None:
        """Run a command; its output is shown only when it fails."""
        started = time.monotonic()
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        self.note(title, done.returncode == 0, time.monotonic() - started, done.stdout + done.stderr)

    def note(self, title: str, passed: bool, seconds: float, detail: str = "") -> None:
        """One line, and the details of a failure."""
        print(f"{'ok    ' if passed else 'FAILED'}  {title:<44} {seconds:6.1f} s", flush=True)
        if not passed:
            self.failed.append(title)
            print("\n".join(f"        {line}" for line in detail.strip().splitlines()), flush=True)


def audit(report: Report) -> None:
    """Look our locked versions up in the advisory database, or say that it cannot be reached."""
    title = "dependency audit"
    started = time.monotonic()
    command = [
        str(BIN / "pip-audit"), "--requirement", "requirements.txt", "--require-hashes", "--disable-pip",
        "--format", "json", "--progress-spinner", "off", "--timeout", "10",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=AUDIT_PATIENCE_S
        )
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        packages = []
    seconds = time.monotonic() - started
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        print(
            f"skip    {title:<44} {seconds:6.1f} s  the advisory service is not reachable: nothing was audited",
            flush=True,
        )
        return
    found = [
        f"{package['name']} {package['version']}: {known['id']}, fixed in {', '.join(known['fix_versions']) or 'no release yet'}"
        for package in audited
        for known in package["vulns"]
    ]
    report.note(f"{title} ({len(audited)} of {len(packages)} packages)", not found, seconds, "\n".join(found))


def main() -> int:
    """Run everything; 1 when something failed."""
    report = Report()
    report.run("format (ruff format)", ["ruff", "format", "--check", "."])
    report.run("lint (ruff check)", ["ruff", "check", "."])
    templates = [folder for folder in TEMPLATES if (ROOT / folder).is_dir()]
    if templates:
        report.run("template format (djlint)", ["djlint", "--quiet", "--check", *templates])
        report.run("template lint (djlint)", ["djlint", "--quiet", "--lint", *templates])
    with ThrowAwayServices() as services:
        inherited = {name: value for name, value in os.environ.items() if not name.endswith("_FILE")}
        env = {**inherited, **PRODUCTION, **services.urls()}
        report.run("types (mypy --strict)", ["mypy"], env)
        report.run(
            "missing migrations",
            ["python", "manage.py", "makemigrations", "--check", "--dry-run", "--no-color"],
            env,
        )
        report.run(
            "deployment checks",
            ["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING", "--database", "default"],
            env,
        )
    audit(report)
    if report.failed:
        print(
            f"\n{len(report.failed)} failed: {', '.join(report.failed)}. `make format` repairs format and simple lint."
        )
        return 1
    print("\nAll checks passed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
