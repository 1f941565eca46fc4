"""What runs on a laptop in place of the world: the embedded cloud, the simulators, the demo."""

import sys
from pathlib import Path

# Offpeak's own code lies where its Lambda layer wants it; nothing needs to be installed to run this package.
sys.path.append(str(Path(__file__).parent.parent / "layers" / "offpeak" / "python"))
