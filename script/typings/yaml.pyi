"""What the scenario files need of PyYAML, which ships no types."""

from collections.abc import Hashable

class YAMLError(Exception): ...

class Mark:
    line: int

class Node:
    start_mark: Mark

class MappingNode(Node):
    value: list[tuple[Node, Node]]

class SafeLoader:
    def construct_object(self, node: Node, deep: bool = False) -> Hashable: ...
    def construct_mapping(
        self, node: MappingNode, deep: bool = False
    ) -> dict[Hashable, object]: ...

def load(stream: str, Loader: type[SafeLoader]) -> object: ...
