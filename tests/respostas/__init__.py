"""Respostas de exercícios como um aluno as escreveria: as certas têm de passar, e cada errada tem de ouvir o nome do erro.

Um arquivo por assunto, com o nome do que tem os verificadores. O que se decora é a resposta:

    @certa("exercício")
    @errada("exercício", "palavras", "que a dica", "tem de dizer")
    @imita("exercício")        (**ajuste) -> uma resposta que faz a conta do verificador com esse ajuste
"""

import importlib
import pkgutil

from torch import nn

from apoio.confere import EXERCICIOS, licoes

CERTAS, ERRADAS, IMITA = [], [], {}


def certa(exercicio):
    return lambda resposta: CERTAS.append((exercicio, resposta)) or resposta


def errada(exercicio, *palavras):
    return lambda resposta: ERRADAS.append((exercicio, resposta, palavras)) or resposta


def imita(exercicio):
    return lambda resposta: IMITA.setdefault(exercicio, resposta)


for assunto in pkgutil.iter_modules(licoes.__path__):
    importlib.import_module(f"respostas.{assunto.name}")

# O contrato de cada exercício, pela primeira resposta certa: uma função, ou uma camada, de que se pode trocar o `forward`.
PRIMEIRA = dict(CERTAS[::-1])
CAMADAS = {e: PRIMEIRA[e] for e in EXERCICIOS if isinstance(PRIMEIRA[e], type) and issubclass(PRIMEIRA[e], nn.Module)}
FUNCOES = [e for e in EXERCICIOS if not isinstance(PRIMEIRA[e], type)]
