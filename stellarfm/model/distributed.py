"""Data-parallel training: several processes that train one network, as ``torchrun`` starts them; each takes part of a batch.

All draw the same batches from the same seed and add their gradients up, so the result is that of one process up to the
order of sums.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from stellarfm.model.sampler import Batch


@dataclass(frozen=True)
class ProcessGroup:
    """One process among those that train together.

    Attributes
    ----------
    rank, world_size
        Its place, from 0, and how many there are: torch's own words.
    """

    rank: int = 0
    world_size: int = 1

    @classmethod
    def join(cls, device: torch.device) -> "ProcessGroup":
        """Return the group that the environment variables of ``torchrun`` describe, a single process without them."""
        world_size = int(os.environ.get("WORLD_SIZE", "1"))
        if world_size == 1:
            return cls()
        if not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(dist.get_rank(), world_size)

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def part_of(self, batch: Batch) -> Batch:
        """Return this process's stars of a batch."""
        return batch if self.world_size == 1 else batch.part(self.rank, self.world_size)

    def sum_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> None:
        """Add up gradients and loss over the processes, in place and in one message."""
        if self.world_size == 1:
            return
        tensors = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters] + [loss]
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))
        for p, tensor in zip(parameters, tensors[:-1], strict=True):
            p.grad = tensor

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether the flag is set in one of the processes."""
        if self.world_size == 1:
            return flag
        answer = torch.tensor(int(flag), device=device)
        dist.all_reduce(answer, dist.ReduceOp.MAX)
        return bool(answer.item())

    def wait(self) -> None:
        """Wait for the others."""
        if self.world_size > 1:
            dist.barrier()


def local_device(device: torch.device) -> torch.device:
    """Return this process's own GPU where there are several."""
    if device.type != "cuda" or device.index is not None:
        return device
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
