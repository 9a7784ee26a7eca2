"""pitfalls: why "this neuron encodes X" is not evidence, and an honest tool to test it.

In short::

    import pitfalls as pf
    world = pf.load_world("mini")
    experiment = world.experiment("spa", "Gender", layer=3)
    order = experiment.rank("probeless")
    curve = experiment.probe(order, ks=range(1, 129))
    run = experiment.intervene(order, pf.Translation(beta=8), ks=range(0, 129, 8))
    pf.figures.translation(run.counts()).show()
"""

from __future__ import annotations

import lazy_loader

__version__ = "0.2.0"

# Each name of __init__.pyi is imported when it is first used (PEP 562): PyTorch alone takes seconds.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
