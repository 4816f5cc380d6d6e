"""«Sua vez»: em cada lição, os exercícios em branco dizem que estão em branco, e a solução dobrada passa."""

import ast
import functools
import math
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import gptmini
import guia
from apoio import confere, pronto
from apoio.confere import corretor
from cadernos import celulas, numeradas, rotulos, texto


@pytest.fixture(autouse=True)
def placar_de_mentira(tmp_path, monkeypatch):
    """As soluções que passam aqui não contam como do aluno."""
    monkeypatch.setattr(pronto, "MEU", tmp_path / "meu-modelo" / "meu_modelo.pt")
    monkeypatch.setattr(corretor, "_ACERTOS", set())


TODOS = list(guia.das_licoes())
cada = pytest.mark.parametrize(("licao", "enunciado", "molde", "solucao"), TODOS,
                               ids=[f"{licao.name[:2]}-{molde.rpartition('confere.')[2].partition('(')[0]}" for licao, _, molde, _ in TODOS])


def verificador(molde):
    return molde.rpartition("\nconfere.")[2].partition("(")[0]


@functools.cache
def bancada(licao):
    """As definições da lição que os exercícios dela usam; sem nenhuma, bastam os nomes de sempre."""
    espaco = {"__name__": "laboratorio"}
    for celula in celulas(licao):
        if "bancada" in rotulos(celula):
            exec(texto(celula), espaco)
    return espaco if len(espaco) > 1 else {
        "torch": torch, "nn": nn, "F": F, "math": math, **{nome: getattr(gptmini, nome) for nome in gptmini.__all__}}


def responder(licao, molde, solucao):
    """O que o verificador diz do molde, com a solução (ou nada) posta no lugar do que estava em branco."""
    espaco = {**bancada(licao), "confere": confere}
    *antes, conferencia = ast.parse(molde).body
    exec(compile(ast.Module(antes, []), "<molde>", "exec"), espaco)
    exec(solucao, espaco)
    return eval(compile(ast.Expression(conferencia.value), "<molde>", "eval"), espaco)


@cada
@pytest.mark.uma_em(3)
def test_em_branco_diz_que_esta_em_branco(licao, enunciado, molde, solucao):
    resultado = responder(licao, molde, "")
    assert not resultado.ok and resultado.dica.startswith("Em branco"), resultado


@cada
@pytest.mark.uma_em(3)
def test_a_solucao_dobrada_passa(licao, enunciado, molde, solucao):
    assert responder(licao, molde, solucao).ok


@pytest.mark.parametrize("licao", numeradas(), ids=lambda caminho: caminho.stem)
def test_cada_licao_tem_ao_menos_dois_exercicios_de_tipos_diferentes(licao):
    tipos = [re.sub(r"^\d+\. ", "", enunciado.partition("### ")[2]).split()[0] for de, enunciado, _, _ in TODOS if de == licao]
    assert len(tipos) >= 2 and len(set(tipos)) >= 2


def test_os_exercicios_de_codigo_estao_todos_nas_licoes():
    assert {verificador(molde) for _, _, molde, _ in TODOS} >= set(confere.EXERCICIOS)


def test_a_tabela_do_guia_esta_em_dia():
    escrito = guia.GUIA.read_text(encoding="utf-8")
    assert guia.com_a_tabela(escrito) == escrito, "rode «python3 curso.py atualizar guia»"
    assert all(f"(`{nome}`)" in escrito for nome in confere.EXERCICIOS)


@cada
def test_o_conserto_pedido_esta_mesmo_quebrado(licao, enunciado, molde, solucao):
    quebrado = re.search(r"```text\n(.*?)\n```", enunciado, re.DOTALL)
    if "Conserte" not in enunciado or verificador(molde) in ("ordem", "forma", "leitura"):
        return
    codigo = quebrado[1]
    if codigo.startswith("def forward"):
        cabeca = molde.partition("    def forward")[0]
        codigo = cabeca + "\n".join("    " + linha for linha in codigo.splitlines())
    resultado = responder(licao, molde, codigo)
    assert not resultado.ok and not resultado.em_branco and resultado.pistas, resultado
