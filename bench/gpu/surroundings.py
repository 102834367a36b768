"""Where numbers were measured: day, device, driver and versions, without which they mean little."""

from __future__ import annotations

import datetime
import subprocess

import tensorvk
from tensorvk import doctor
from tensorvk.demo.device import device_name

TORCH = "import torch; print('PyTorch', torch.__version__, 'CUDA', torch.version.cuda)"


def surroundings(torch_python: str) -> dict[str, str]:
    name = device_name()
    drivers = [device["driver"] for device in doctor.gather()["devices"] if device["name"] == name]
    asked = subprocess.run([torch_python, "-c", TORCH], capture_output=True, text=True, check=False)
    return {
        "date": datetime.date.today().isoformat(),
        "device": name,
        "driver": drivers[0] if drivers else "unknown",
        "tensorvk": tensorvk.tensorvk_version,
        "peer": asked.stdout.strip() if asked.returncode == 0 else f"no PyTorch in {torch_python}",
    }


def sentence(found: dict[str, str]) -> str:
    ours = f"TensorVK {found['tensorvk']} on {found['device']}, driver {found['driver']}"
    return f"{found['date']}: {ours}; {found['peer']}."
