"""The lists import each other by their names, as `run.py` finds them beside it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
