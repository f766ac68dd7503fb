"""`python placed.py URL serve ...`: a node on an Alibaba Cloud whose metadata service is at URL. That service's address is
a fixed one, which no setting replaces."""

from __future__ import annotations

import sys

from aigw_node import alicloud

alicloud.METADATA = sys.argv[1]

from aigw_node.__main__ import main  # noqa: E402 (what it imports takes the address)

sys.exit(main(sys.argv[2:]))
