"""Checks that XGBoost's JSON describes trees.

XGBoost does not check the node numbers of a file: one out of range, or a node that is its own
ancestor, ends the process. So they are checked before XGBoost reads the file.
"""

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

OBJECTIVE = "binary:logistic"
DEEPEST = 64
"""XGBoost explains a tree by recursion, and a chain of nodes would exhaust its stack."""

_NONE = -1
_LARGEST = float(np.finfo(np.float32).max)

_Integer = Annotated[int, Field(strict=True)]
_Single = Annotated[FiniteFloat, Field(ge=-_LARGEST, le=_LARGEST)]
_Empty = Annotated[list[_Integer], Field(max_length=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class _TreeParam(_Part):
    num_feature: int
    num_nodes: int
    num_deleted: Literal["0"]
    size_leaf_vector: Literal["0", "1"]


class _Tree(_Part):
    """A binary tree, an array per property of its nodes; node 0 is the root."""

    id: _Integer
    tree_param: _TreeParam
    left_children: list[_Integer]
    right_children: list[_Integer]
    parents: list[_Integer]
    split_indices: list[Annotated[int, Field(strict=True, ge=0)]]
    split_type: list[Literal[0]]
    split_conditions: list[_Single]
    default_left: list[Literal[0, 1]]
    base_weights: list[_Single]
    loss_changes: list[_Single]
    sum_hessian: list[_Single]
    categories: _Empty = []
    categories_nodes: _Empty = []
    categories_segments: _Empty = []
    categories_sizes: _Empty = []

    @model_validator(mode="after")
    def _is_a_tree(self) -> "_Tree":
        size = self.tree_param.num_nodes
        lengths = [len(value) for value in self._by_node()]
        _require(set(lengths) == {size} and size > 0, f"{size} nodes, but arrays of {lengths}")
        children = self._children()
        once = sorted(chain.from_iterable(children)) == list(range(1, size))
        _require(once, "a node is out of range, or is not the child of exactly one other")
        own = all(self.parents[c] == node for node, pair in enumerate(children) for c in pair)
        _require(own, "parents and children do not agree")
        reached = _reached(children)
        _require(reached == size, f"{reached} of {size} nodes are within {DEEPEST} of the root")
        return self

    def _by_node(self) -> tuple[Sequence[object], ...]:
        return (
            self.left_children,
            self.right_children,
            self.parents,
            self.split_indices,
            self.split_type,
            self.split_conditions,
            self.default_left,
            self.base_weights,
            self.loss_changes,
            self.sum_hessian,
        )

    def _children(self) -> list[tuple[int, ...]]:
        pairs = zip(self.left_children, self.right_children, strict=True)
        return [() if pair == (_NONE, _NONE) else pair for pair in pairs]


class _GradientBoosterParam(_Part):
    num_trees: int


class _Ensemble(_Part):
    gbtree_model_param: _GradientBoosterParam
    iteration_indptr: list[_Integer] | None = None
    tree_info: list[Literal[0]]
    trees: list[_Tree]

    @model_validator(mode="after")
    def _is_counted(self) -> "_Ensemble":
        size = len(self.trees)
        counts = (self.gbtree_model_param.num_trees, len(self.tree_info))
        _require(
            counts == (size, size), f"{size} trees, but {counts[0]} and {counts[1]} are stated"
        )
        numbered = [tree.id for tree in self.trees] == list(range(size))
        _require(numbered, "the trees are not numbered from 0 on")
        ends = self.iteration_indptr or [0, size]
        ordered = ends[0] == 0 and ends[-1] == size and all(a <= b for a, b in pairwise(ends))
        _require(ordered, "the iterations do not divide up the trees")
        return self


class _Booster(_Part):
    name: Literal["gbtree"]
    model: _Ensemble


class _Objective(_Part):
    name: str


class _LearnerParam(_Part):
    num_feature: int
    num_class: Literal["0"]
    num_target: Literal["1"] = "1"


class Learner(_Part):
    """One model in XGBoost's JSON."""

    feature_names: list[str]
    objective: _Objective
    learner_model_param: _LearnerParam
    gradient_booster: _Booster

    @model_validator(mode="after")
    def _has_its_columns(self) -> "Learner":
        size, trees = len(self.feature_names), self.gradient_booster.model.trees
        stated = {self.learner_model_param.num_feature, *(t.tree_param.num_feature for t in trees)}
        _require(stated == {size}, f"{size} columns are named, and {sorted(stated)} stated")
        highest = max((max(tree.split_indices) for tree in trees), default=0)
        _require(highest < size, f"column {highest} is split on, and there are {size}")
        return self


class TreesDocument(_Part):
    """``trees.json``."""

    learner: Learner


def _reached(children: Sequence[tuple[int, ...]]) -> int:
    """Return how many nodes are found from the root, each having one parent at most."""
    level, reached = [0], 0
    for _ in range(DEEPEST + 1):
        reached += len(level)
        level = [child for node in level for child in children[node]]
    return reached


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise ValueError(otherwise)
