"""Os palpites de «Preveja»: o que o aluno digitou é entendido ou vira «sem palpite», e nenhuma célula para num TypeError."""

import contextlib
import io
import math
import re
from types import SimpleNamespace

import pytest
import torch

import cadernos
from apoio import confere

# O que a célula do ajuste fino lê do que já se treinou.
QUEM_AJUSTA = {"historinhas": SimpleNamespace(excesso=lambda *_: 0.004), "escrever": lambda *_: ["Fim."], "antes_do_ajuste": ["Fim."],
               "da_turma": SimpleNamespace(boletim=lambda _: {"derivável": 0.44}), "onde_e_qual": lambda _: (0.9, 0.9),
               "model_turma": None, "tokenizer_turma": None, "validacao_turma": None}
# O que cada célula que responde aos palpites usa das que vêm antes.
ANTES = {
    "texto-071": {"vezes": 4.2}, "texto-duvida": {"math": math, "perdas": {"bigrama": 2.1, "GPT": 0.3}}, "vetores-palpite": {"x_ida": torch.ones(4, 3), "x_volta": torch.ones(4, 3)}, "atencao-032": {}, "atencao-074": {}, "feedforward-011": {},
    "feedforward-058": {"mudou": torch.tensor([1])}, "residual-010": {"gradiente": {"sem atalho": [1.0, 1e24]}}, "residual-044": {}, "bloco-062": {"primeira_perda": 5.7}, "bloco-085": {"partes": {"GPT-2 pequeno": {"feedforward": 46, "atenção": 54}}},
    "treino-058": {"limite": 0.32}, "treino-075": {"boletim": {"derivável": 0.78}},
    "geracao-051": {"escrever": lambda *_, **__: ["Fim."] * 20, "model": None, "tokenizer": None}, "geracao-palpite-1": {},
    "geracao-067": {"medidas": {1.3: (0.48,)}}, "geracao-098": QUEM_AJUSTA,
    "laboratorio-089": {"resultados": {"uma cabeça": {"excesso": 1}}, "veredito": lambda excesso: "piora"},
    "gpt2-c-38p": {"conta": {"pequeno": 124_439_808}, "sem_cache": [1, 1, 1], "tamanhos": {"um bilhão": 10**9}}, "corrida-palpites": {},
}
DIGITADOS = [None, "4,2", (4, 2), 4.2, 5, "5", ".5", "False", "falso", True, "não", "50 %", "batata", "", [1], [], {}, math.nan, math.inf, object(), b"x", 10**30, "piora",
             torch.tensor(3.0), torch.tensor([1, 2]), 1j]


def celulas():
    for caderno in cadernos.licoes():
        for celula in cadernos.celulas(caderno):
            fonte = cadernos.texto(celula)
            if celula["cell_type"] == "code" and re.search(r"\bmeus?_palpites?\w*|\bguess\b", fonte) and "confere.palpite" in fonte:
                yield celula["id"], fonte


CELULAS = dict(celulas())


def dizer(id, digitado):
    espaco = {"confere": confere, "torch": torch} | dict.fromkeys(re.findall(r"meus?_palpites?\w*", CELULAS[id]), digitado) | ANTES[id]
    if id == "laboratorio-089":
        espaco["meus_palpites"] = {"uma cabeça": digitado}
    with contextlib.redirect_stdout(io.StringIO()) as dito:
        exec(CELULAS[id], espaco)
    return dito.getvalue()


def test_toda_celula_que_responde_a_um_palpite_esta_aqui():
    assert set(CELULAS) == set(ANTES)


@pytest.mark.parametrize("id", ANTES)
def test_qualquer_coisa_digitada_tem_resposta(id):
    for digitado in DIGITADOS:
        assert dizer(id, digitado)


@pytest.mark.parametrize("id", [id for id in ANTES if id not in ("vetores-palpite", "atencao-074", "feedforward-011", "residual-044", "laboratorio-089", "corrida-palpites")])
def test_o_decimal_com_virgula_e_um_numero(id):
    assert dizer(id, "4,2") == dizer(id, (4, 2)) == dizer(id, 4.2)


@pytest.mark.parametrize("id", ["vetores-palpite", "atencao-074", "feedforward-011", "residual-044"])
def test_falso_entre_aspas_e_falso(id):
    assert dizer(id, "False") == dizer(id, "falso") == dizer(id, False) != dizer(id, True) == dizer(id, "True")
