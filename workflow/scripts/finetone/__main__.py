"""`python -m finetone` is the command `finetone`."""

import sys

from finetone.cli import main

sys.exit(main())
