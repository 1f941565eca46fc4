"""The API's description (OpenAPI 3.1): made of routes, wire models and error tables, not by hand."""

import sys
from pathlib import Path

# Offpeak's own code lies where its Lambda layer wants it; nothing needs to be installed to run this package.
sys.path.append(str(Path(__file__).parent.parent / "layers" / "offpeak" / "python"))
