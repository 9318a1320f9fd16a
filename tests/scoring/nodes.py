"""Nodes of a Ray cluster, all on this machine."""

from typing import Any

from ray.cluster_utils import Cluster

_OBJECT_STORE_BYTES = 128 * 1024 * 1024


class Nodes:
    """A head with so many cores, and what is added to it.

    A node's workers have this process's environment.
    """

    def __init__(self, cores: int) -> None:
        head = {"num_cpus": cores, "include_dashboard": False}
        head["object_store_memory"] = _OBJECT_STORE_BYTES
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address: str = self._cluster.address

    def add(self, cores: int) -> Any:
        """Another node."""
        node = self._cluster.add_node(num_cpus=cores, object_store_memory=_OBJECT_STORE_BYTES)
        self._cluster.wait_for_nodes()
        return node

    def kill(self, node: Any) -> None:
        """End all processes of `node` at once, as a power cut does."""
        self._cluster.remove_node(node, allow_graceful=False)

    def end(self) -> None:
        """End all of them."""
        self._cluster.shutdown()
