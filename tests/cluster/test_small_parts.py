"""The addresses of the cluster and the token reader."""

from __future__ import annotations

import pytest

from beehave.addresses import AddressBook
from cluster.addresses import ClusterAddresses
from cluster.stream import _text_of


def test_in_a_private_network_the_ports_are_the_products_own():
    book = ClusterAddresses(AddressBook(private_network=True))
    assert (book.queen().port, book.hive(1).port, book.hive(2).port) == (8080, 9200, 9200)
    assert len({book.queen().host, book.hive(1).host, book.hive(2).host}) == 3


@pytest.mark.parametrize(
    ("chunk", "text"),
    [
        ({"choices": [{"delta": {"content": " a"}}]}, " a"),
        ({"choices": [{"delta": {"role": "assistant"}}]}, ""),
        ({"choices": [{"delta": {}, "finish_reason": "length"}]}, ""),
        ({"choices": [{"text": " b"}]}, " b"),
        ({"choices": []}, ""),
        ({}, ""),
    ],
)
def test_the_text_of_a_chunk(chunk, text):
    assert _text_of(chunk) == text
