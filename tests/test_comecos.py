"""Todo começo que o curso põe na frente de quem aprende é o de uma história do corpus, e o modelo pronto a termina bem."""

import ast
import inspect

import pytest
import torch

import cadernos
from apoio import historinhas, interativo, pronto
from apoio.historinhas import HistorinhaInvalida
from gptmini import generate

PAINEIS = [painel for painel in vars(interativo).values() if inspect.isfunction(painel) and painel.__module__ == interativo.__name__]
HISTORIAS = 200


def de_fabrica():
    """O que vem escrito nos painéis que aceitam um começo ou uma frase."""
    padroes = (parametro for painel in PAINEIS for nome, parametro in inspect.signature(painel).parameters.items() if nome in ("frase", "comeco"))
    return {parametro.default for parametro in padroes if parametro.default is not inspect.Parameter.empty}


def das_licoes():
    """O que as lições e a página escrevem nos painéis."""
    achados = set()
    for caderno in [*cadernos.licoes(), cadernos.PAGINA]:
        codigo = ast.parse("\n".join(cadernos.texto(c) for c in cadernos.celulas(caderno) if c["cell_type"] == "code"))
        # Escrito ali, ou guardado antes numa variável.
        textos = {alvo.id: no.value for no in ast.walk(codigo) if isinstance(no, ast.Assign) for alvo in no.targets if isinstance(alvo, ast.Name)}
        for no in ast.walk(codigo):
            if isinstance(no, ast.Call) and ast.unparse(no.func).startswith("interativo."):
                ditos = [*no.args, *(k.value for k in no.keywords)]
                ditos = [textos.get(dito.id) if isinstance(dito, ast.Name) else dito for dito in ditos]
                achados |= {dito.value for dito in ditos if isinstance(dito, ast.Constant) and isinstance(dito.value, str)}
    return {comeco for comeco in achados if " " in comeco}


COMECOS = sorted(comeco for comeco in de_fabrica() | das_licoes() if comeco)


def test_ha_o_que_conferir():
    assert interativo.FRASE in COMECOS and len(COMECOS) >= 4
    assert das_licoes()


def continua(comeco):
    """O começo é o de alguma história: o leitor só reclama de que ela acabou antes da hora."""
    with pytest.raises(HistorinhaInvalida, match="acabou antes da hora"):
        historinhas.analisar(comeco)


@pytest.mark.parametrize("comeco", COMECOS)
def test_o_comeco_e_o_de_uma_historia(comeco):
    continua(comeco)


def test_um_comeco_de_fora_e_recusado():
    with pytest.raises(AssertionError):
        continua("Ana tinha um tatu")


@pytest.mark.parametrize("comeco", COMECOS)
def test_o_modelo_pronto_termina_bem_quatro_em_cinco(comeco):
    model, tokenizer = pronto.modelo_pronto()
    ids = torch.tensor([[tokenizer.fim, *tokenizer.encode(comeco)]] * HISTORIAS)           # (B, T)
    novos = generate(model, ids, model.config.context_length - ids.size(1), stop=tokenizer.fim, generator=torch.Generator().manual_seed(0))
    assert historinhas.boletim([tokenizer.decode(linha) for linha in novos]).notas["derivável"] >= 0.8
