"""Ask every page of others that the documentation links to whether it is there: `make docs-links`.

It needs the internet. A page that refuses programs is no fault of ours, so its answer is shown for a person to judge.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

import httpx

REPOSITORY = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\((https?://[^)\s]+)\)|<(https?://[^>\s]+)>")
GONE = (404, 410)


def links() -> dict[str, list[str]]:
    """Return the addresses of others, with the pages that link to them."""
    found = defaultdict(list)
    for page in (*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md"))):
        for match in LINK.finditer(page.read_text("utf-8")):
            found[match[1] or match[2]].append(str(page.relative_to(REPOSITORY)))
    return dict(found)


def main() -> int:
    """Print what each address answers, unless it is well; the exit code says whether one is gone."""
    is_gone = False
    with httpx.Client(follow_redirects=True, timeout=30) as client:
        for address, pages in links().items():
            try:
                status = client.get(address).status_code
            except httpx.HTTPError as error:
                print(f"{address} did not answer ({type(error).__name__}): {', '.join(pages)}")
                continue
            is_gone |= status in GONE
            if status >= httpx.codes.BAD_REQUEST:
                print(f"{address} answers {status}: {', '.join(pages)}")
    return int(is_gone)


if __name__ == "__main__":
    sys.exit(main())
