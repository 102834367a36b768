"""The demonstration behind `python -m tensorvk.demo`: a small U-Net finds simulated lesions in slices of a brain.

Modules: `assets` (the network and the slices that ship with the package), `plan` (build a plan or find an earlier
one), `inference` (load a plan in a process of its own and time it), `pictures` (PNG files), `train` (how the assets
were made; needs torch and nilearn).
"""
