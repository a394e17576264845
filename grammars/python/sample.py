import os.path, sys as system  # marks: import os.path; import sys
from .alpha import beta  # marks: import .alpha
from collections import OrderedDict  # marks: import collections

LIMIT = 3  # marks: definition.constant LIMIT
registry: dict = {}  # marks: definition.variable registry
type Pair = tuple[int, int]  # marks: definition.type Pair


def helper(a, b=1):  # marks: definition.function helper
    local = a + b
    return os.path.join(str(local))  # marks: reference.call join; reference.call str


async def fetch():  # marks: definition.function fetch
    await helper(1)  # marks: reference.call helper


class Base(object):  # marks: definition.class Base; reference.implementation object
    size = 0  # marks: definition.field size

    def __init__(self):  # marks: definition.method __init__
        self.items = []

    @property
    def length(self):  # marks: definition.method length
        def inner():  # marks: definition.function inner
            return 1
        return inner()  # marks: reference.call inner


@register
class Derived(Base, alpha.Mixin):  # marks: definition.class Derived; reference.implementation Base; reference.implementation Mixin
    @staticmethod
    def make() -> "Derived":  # marks: definition.method make
        return Derived()  # marks: reference.call Derived


class TestBase:  # marks: definition.class TestBase; test TestBase
    def test_length(self):  # marks: definition.method test_length; test test_length
        assert Base().length == 1  # marks: reference.call Base


def test_helper():  # marks: definition.function test_helper; test test_helper
    helper(2)  # marks: reference.call helper
