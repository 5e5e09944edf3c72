"""By Ray Data on two nodes of a cluster, one of which dies: the rows of a local run."""

import threading
import time

import pytest
from archives import write_parquet

import truthpixel_utils

ray = pytest.importorskip("ray", reason="needs Ray: pip install ray[data]")


@pytest.fixture
def cluster():
    """A head without work of its own, and two nodes."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [made.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made, nodes
    ray.shutdown()
    made.shutdown()


def test_the_rows_are_those_of_a_local_run_though_a_node_dies(
    cluster, files, tmp_path, detector_file
):
    made, nodes = cluster
    for number in range(12):
        write_parquet(tmp_path / f"{number:02d}.parquet", dict(list(files.items())[number:]))
    out, parts = tmp_path / "ray.out", tmp_path / "ray.out.parts"
    killed = []

    def kill_one_half_way():
        while len(list(parts.glob("*.parquet"))) < 3:
            time.sleep(0.02)
        made.remove_node(nodes[1], allow_graceful=False)
        killed.append(len(list(parts.glob("*.parquet"))))

    killer = threading.Thread(target=kill_one_half_way, daemon=True)
    killer.start()
    truthpixel_utils.score(tmp_path, out, model=detector_file, engine="ray")
    killer.join(10)
    assert killed and killed[0] < 12
    truthpixel_utils.score(tmp_path, tmp_path / "local.out", model=detector_file)
    assert out.read_bytes() == (tmp_path / "local.out").read_bytes()
