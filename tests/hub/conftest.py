from tests.hub.fixtures import hub, hub_root, served_hub

__all__ = ["hub", "hub_root", "served_hub"]
