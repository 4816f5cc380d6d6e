"""O boletim contra a leitura de gente: 100 textos errados do modelo, rotulados à mão, palavra por palavra.

Em `erros_rotulados.json`, `erradas` são as palavras (posição e texto) que discordam ou ficaram sem par, lidas
sem olhar o que o programa diz; `duvidosas`, as que quem leu não soube julgar, e que ficam fora da comparação.
Os textos saíram do modelo pronto da versão 0.4.1 a três temperaturas (1; 1,3; 1,6), e quem os julga é a gramática de então.
"""

import json
from pathlib import Path

import pytest

from apoio import historinhas
from gptmini import WordTokenizer

GRAMATICA = historinhas.Gramatica(arquivo=Path(__file__).with_name("erros_rotulados.toml"))
ROTULADOS = json.loads(Path(__file__).with_name("erros_rotulados.json").read_text(encoding="utf-8"))

# Onde a regra do léxico e a leitura se separam: a regra olha o nome anterior mais próximo, e aqui ele é de outra pessoa.
CONHECIDAS = {
    "uma menina que que trouxe uma peteca": "menina",      # sem nome antes, a regra compara com o primeiro, «Tiago»
    "o menino do Obrigada! — disse Enzo": "Obrigada",      # quem agradece é Enzo, que só é dito depois
}


def diferencas(rotulado):
    """As palavras que o programa e quem leu julgaram de modo diferente, fora as duvidosas."""
    nao_certas = {posicao for posicao, certo, _ in GRAMATICA.concordancias(rotulado["texto"]) if not certo}
    erradas = {posicao for posicao, _ in rotulado["erradas"]}
    return (nao_certas ^ erradas) - {posicao for posicao, _ in rotulado["duvidosas"]}


def test_sao_cem_textos_que_nao_se_derivam():
    textos = [r["texto"] for r in ROTULADOS]
    assert len(set(textos)) == 100
    assert GRAMATICA.boletim(textos)["derivável"] == 0


def test_os_rotulos_apontam_as_palavras_que_dizem():
    for rotulado in ROTULADOS:
        tokens = WordTokenizer.split(rotulado["texto"])
        julgadas = {posicao for posicao, _, _ in GRAMATICA.concordancias(tokens)}
        for posicao, palavra in rotulado["erradas"] + rotulado["duvidosas"]:
            assert tokens[posicao] == palavra and posicao in julgadas


def test_o_boletim_julga_as_concordancias_como_quem_leu():
    achadas = {}
    for rotulado in ROTULADOS:
        tokens = WordTokenizer.split(rotulado["texto"])
        for posicao in diferencas(rotulado):
            trecho = next((t for t in CONHECIDAS if t in rotulado["texto"]), rotulado["texto"])
            achadas[trecho] = tokens[posicao]
    assert achadas == CONHECIDAS


def test_a_nota_de_concordancia_e_a_dos_rotulos():
    sem_duvida = [r for r in ROTULADOS if not r["duvidosas"] and not diferencas(r)]
    palavras = sum(len(GRAMATICA.concordancias(r["texto"])) for r in sem_duvida)
    erradas = sum(len(r["erradas"]) for r in sem_duvida)
    nota = GRAMATICA.boletim([r["texto"] for r in sem_duvida])["concordância"]
    assert len(sem_duvida) >= 80 and erradas >= 40
    assert nota == pytest.approx(1 - erradas / palavras, abs=1e-9)
