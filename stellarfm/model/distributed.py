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
        Its place, from 0, and how many there are, as torch calls them.
    """

    rank: int = 0
    world_size: int = 1

    @classmethod
    def join(cls, device: torch.device) -> "ProcessGroup":
        """Return the group that the environment variables of ``torchrun`` describe, a single process without them.

        Parameters
        ----------
        device
            Where this process trains: it decides how the processes talk to one another.
        """
        world_size = int(os.environ.get("WORLD_SIZE", "1"))
        if world_size == 1:
            return cls()
        if not dist.is_initialized():  # NCCL speaks between GPUs only
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(dist.get_rank(), world_size)

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def part_of(self, batch: Batch) -> Batch:
        """Return this process's stars of a batch of B stars: every `world_size`-th, beginning with its rank."""
        return batch if self.world_size == 1 else batch.part(self.rank, self.world_size)

    def sum_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> None:
        """Add up gradients and loss over the processes, in place and in one message.

        Parameters
        ----------
        parameters
            Whose gradients are summed; those without one count as zero.
        loss
            Scalar: this process's part of the mean loss.
        """
        if self.world_size == 1:
            return
        # each part is already divided by the requests of the whole batch (`Trainer.gradient`), so the sum is the mean; a
        # message of its own for every parameter would cost more in latency than in bytes
        tensors = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters] + [loss]
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))
        for p, tensor in zip(parameters, tensors[:-1], strict=True):
            p.grad = tensor

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether the flag is set in at least one of the processes.

        Parameters
        ----------
        flag
            That of this process.
        device
            Where the message is sent from: NCCL takes tensors of a GPU only.
        """
        if self.world_size == 1:
            return flag
        answer = torch.tensor(int(flag), device=device)
        dist.all_reduce(answer, dist.ReduceOp.MAX)
        return bool(answer.item())

    def wait(self) -> None:
        """Wait until every process has come here."""
        if self.world_size > 1:
            dist.barrier()


def local_device(device: torch.device) -> torch.device:
    """Return the GPU of this process where there are several, and any other device as it is."""
    if device.type != "cuda" or device.index is not None:
        return device
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
