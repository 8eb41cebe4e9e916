"""What the encoder is trained on, by path below the folder of the data, and the sums of those files."""

from __future__ import annotations

import hashlib
from pathlib import Path

SUMS = {
    "ner/train/uner_pt_bosque_train.jsonl": "02e55a1f6a7b321fab6182591da64fffc7b8a263e3a87161d6a2395882026797",
    "ner/train/uner_en_ewt_dev.jsonl": "caca1170ca631ab2f3f790325b45cbd0e3d427a8e57cdf584cc64456f09f1f31",
    "ner/train/uner_en_ewt_test.jsonl": "e92102eff5623b85538a98c0ad0768e3e146fe82ac8286fe279b4c977c874ce9",
    "ner/train/germeval_de_dev.jsonl": "10b9f64df426e0bbcdf1054119b403453abf453673327656049ec2a6d24bb81f",
    "ner/train/factru_ru_train.jsonl": "ffa230d0360c4e5e45cfc800d378deb999526fc1ad2fb2f583d9d0b5ea83cb72",
    "ner/silver/silver_de.jsonl": "a9ca3eb1000435b4b464e1027932568df6dcc74225f7c77ad4e38d7714437a1a",
    "ner/silver/silver_en.jsonl": "65bc4c9b320f590e7047bf1d09e759486560ee81c2dcd84e9e87935a9a39c641",
    "ner/silver/silver_es.jsonl": "1067bddbf8b60f3951a3b34604e88283f7b41cf9c7694173047457a1fd60d1e9",
    "ner/silver/silver_fr.jsonl": "5be8ff7898bd55de2b1873ef0e93c74216abc5462144003fa4dd53e21344ee36",
    "ner/silver/silver_it.jsonl": "fcea90e36c224dc89f9cc6e4865599250d2dd991c822e1fc723dfd8c09613d59",
    "ner/silver/silver_nl.jsonl": "243002944e7f260a4d33c715b7b537f8d85b14baea0202222aaf84e2e75bb844",
    "ner/silver/silver_pl.jsonl": "26f8328b9f59d6542626f8c2af6a9e9890e0458b2f06243365603523477b97d6",
    "ner/silver/silver_pt.jsonl": "89b7609f58a98ade51b991de83e851ed318c0e8f4cde77cf16ec3ce8d5093206",
    "ner/silver/silver_ru.jsonl": "aa7b350322d3a0ebb42132ab71d1407ae5fe7fdda2419d5606fc81e36a0105bc",
    "ner/silver/silver_uk.jsonl": "d37997b2f07acd8764fd81622416fb6b98dff41ea95716a33e0c929711338bc3",
    "raw/wikipedia_de.txt": "81ed6b19352736b7b76ffa84fdb430fb9e00ab5d623b195c7741d7426f68697d",
    "raw/wikipedia_en.txt": "c012d921ed6d7eb62830bcd3e0a8c9dcedfbf66d3d35a1bcfe2acd1b39dcd8e6",
    "raw/wikipedia_es.txt": "17200019dddf5b98db6765570a22a061da744a42136c8f757b286e1201118e92",
    "raw/wikipedia_fr.txt": "77f18397af1ec5e8320274615b2ad7dae231a0cbe4051edbd11718b958f9c207",
    "raw/wikipedia_it.txt": "650653139d96ba20aef1bef96af813dac712a7f5b1f0989b993e0d74ddcdc98a",
    "raw/wikipedia_nl.txt": "8a105a8ca22ab778bfe0b9fe870947992817d4cbc76c1bd3b00e0928d1061b75",
    "raw/wikipedia_pl.txt": "c4933311430befefa24b3993f9d1328c4bda18aba17f43d2457b062b306f9a93",
    "raw/wikipedia_pt.txt": "758cb8e8026a13218929f529eb13cab1eab0c8f7497439e26752427c3ab9a27e",
    "raw/wikipedia_ru.txt": "2a61c7172e6d3377a34a0c98a4edd70695850d8c39d348cc4f380b157835d077",
}


def checked(folder: Path, name: str) -> Path:
    """The path of a file whose sum is the one that is known; raises `ValueError` where it is another."""
    path = folder / name
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SUMS[name]:
        raise ValueError(f"{path}: sha256 is {found}, expected {SUMS[name]}")
    return path
