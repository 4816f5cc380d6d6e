"""A folha do aluno cabe numa página A4, lê-se no celular, e os números dela são os das classes."""

import re
from pathlib import Path

import pytest

from gptmini import CausalSelfAttention, FeedForward, GPTConfig, LayerNorm
from navegador import navegador, precisa_de_navegador

FOLHA = Path(__file__).resolve().parent.parent / "04-gpt-do-zero" / "folha-do-aluno.html"


@precisa_de_navegador
@pytest.mark.lento
def test_cabe_numa_pagina_e_nao_passa_da_tela_do_celular(tmp_path):
    with navegador() as nav:
        pagina = nav.new_page()
        pagina.goto(FOLHA.as_uri())
        pdf = pagina.pdf(prefer_css_page_size=True, path=tmp_path / "folha.pdf")
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
        pagina.set_viewport_size({"width": 360, "height": 700})
        assert pagina.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("C", [8, 96])
def test_os_parametros_escritos_sao_os_das_pecas(C):
    escritos = dict(re.findall(r"<tr><th>([^<]+)</th><td>([^<]+) parâmetros</td></tr>", FOLHA.read_text(encoding="utf-8")))
    ficha = GPTConfig(vocab_size=5, context_length=4, d_model=C, n_heads=4, n_layers=1)
    pecas = {"atenção": CausalSelfAttention(ficha), "feedforward": FeedForward(ficha), "LayerNorm": LayerNorm(C)}
    assert set(escritos) == set(pecas)
    for nome, peca in pecas.items():
        conta = sum(int(vezes) * C ** (2 if quadrado else 1) for vezes, quadrado in re.findall(r"(\d+)C(²?)", escritos[nome]))
        assert conta == sum(p.numel() for p in peca.parameters()), nome
