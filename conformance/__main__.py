"""``python -m scim_bridge.conformance URL --token T``: run the suites, print what failed, exit 1 if anything did.

``--known "CHECK"`` names a failure that is expected and explained elsewhere; one that no longer fails is an error too.
"""

import argparse
import sys

from scim_bridge.conformance.suites import SUITES, Check


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scim_bridge.conformance", description=__doc__)
    parser.add_argument("url", help="SCIM base URL, up to /v2")
    parser.add_argument("--token", default="", help="bearer token")
    parser.add_argument("--suite", action="append", choices=sorted(SUITES), help="only these suites")
    parser.add_argument("--known", action="append", default=[], help="a check that is known to fail")
    options = parser.parse_args()
    clean = True
    for name in options.suite or SUITES:
        checks = SUITES[name](options.url, options.token)
        clean = report(name, checks, set(options.known)) and clean
    return 0 if clean else 1


def report(suite: str, checks: list[Check], known: set[str]) -> bool:
    """Print one suite's result; whether nothing failed but what is known to, and all of that did."""
    failed = [each for each in checks if each.status == "failed"]
    for each in failed:
        print(f"{'known ' if each.name in known else 'FAILED'} {suite}: {each.name}: {' '.join(each.reason.split())}")
    passing = known - {each.name for each in failed}
    for name in sorted(passing):
        print(f"FAILED {suite}: {name} is named as known to fail, and passes or does not exist")
    counts = {status: sum(each.status == status for each in checks) for status in ("passed", "failed", "skipped")}
    print(f"{suite}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return bool(checks) and not passing and all(each.name in known for each in failed)


if __name__ == "__main__":
    sys.exit(main())
