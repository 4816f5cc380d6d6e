"""Residual e norma: a LayerNorm e um passo pre-LN."""

import math

import torch
from torch import nn

from apoio.confere.corretor import (
    chamar,
    conferir_camada,
    diga,
    exercicio,
    exigir,
    julgar,
    mesmo_gradiente,
    pt,
    sortear_pesos,
    sorteio,
    um_tensor,
)
from gptmini.residual import LayerNorm


def _layernorm(m, x, eixo=-1, por="C", eps="dentro", valor=1e-5, ganho=True, vies=True, media=True, raiz=True, vies_antes=False):
    eixos = eixo if isinstance(eixo, list) else [eixo]
    centro = x if media is False else x - x.mean(eixos, keepdim=True)
    variancia = (centro**2).sum(eixos, keepdim=True) / (math.prod(x.shape[e] for e in eixos) - (por == "C − 1"))
    desvio = {"dentro": (variancia + valor).sqrt(), "fora": variancia.sqrt() + valor, "sem": variancia.sqrt()}[eps]
    normal = (centro if media is True else x) / (desvio if raiz else variancia + valor)
    if vies_antes:
        return (normal + m.bias) * m.gain
    return normal * (m.gain if ganho else 1) + (m.bias if vies else 0)


def _sintomas_da_norma(_, saidas, casos):
    gabarito, _ = casos[0]
    normal = (saidas[0].double() - gabarito.bias) / gabarito.gain                     # (B, T, C)
    media, variancia = normal.mean(-1)[0, 0], normal.var(-1, correction=0)[0, 0]
    if abs(media) > 1e-3:
        return diga("layernorm.media", veio=pt(media))
    return diga("layernorm.variancia", veio=pt(variancia)) if abs(variancia - 1) > 1e-3 else None


@exercicio(r"""
onde = "Lição 04, «LayerNorm»."

[variancia_por_C_menos_1]
imita = {por = "C − 1"}
dica = "A variância dividiu por C − 1; na LayerNorm divide-se por C."
pergunta = "Que divisor `torch.var` e `torch.std` usam por padrão?"
erro = "C − 1 é o costume da estatística para amostras; use `correction=0`."

[eps_fora]
imita = [{eps = "fora"}, {eps = "fora", valor = 1e-6}, {eps = "fora", valor = 1e-8}]
dica = "O ε está fora da raiz: some-o à variância, dentro dela."
pergunta = "Qual é a derivada de √v em v = 0?"
erro = "Ali a derivada é infinita, e um token constante pode estragar o gradiente; num token de variância pequena a saída também muda."
onde = "Lição 04, «Por que ε fica dentro da raiz»."

[outro_eps]
imita = [{valor = 1e-4}, {valor = 1e-3}, {valor = 1e-2}, {valor = 1e-7}, {valor = 1e-10}, {valor = 2e-5}]
dica = "O ε é outro: o exercício pede 10⁻⁵, que em Python se escreve `1e-5` (`10e-5` é dez vezes maior)."
pergunta = "Quanto valem `1e-5` e `10e-5`?"
erro = "O número antes do `e` já multiplica: 10 · 10⁻⁵ é 10⁻⁴."

[sem_eps]
imita = {eps = "sem"}
dica = "Faltou o ε: um token com todos os números iguais dá 0/0."
pergunta = "Qual é a variância de [7, 7, 7, 7]?"
erro = "Soma-se um número minúsculo à variância, dentro da raiz."
onde = "Lição 04, «Por que ε fica dentro da raiz»."

[outro_eixo]
imita = [{eixo = 1}, {eixo = 0}, {eixo = [1, 2]}, {eixo = [0, 1]}, {eixo = [0, 1, 2]}]
dica = "A normalização correu no eixo errado: média e variância são dos C números de cada token, no último eixo."
pergunta = "A média de um token pode depender de outro token?"
erro = "Use `dim=-1` e `keepdim=True`; sem `dim`, a média é do tensor inteiro."
onde = "Lição 04, «Etapa 2: com matrizes»."

[sem_ganho]
imita = {ganho = false}
dica = "Faltou o ganho: multiplique o resultado por `gain`."
pergunta = "Que parâmetro do construtor você não usou?"
erro = "O ganho deixa o treino escolher outra escala."

[sem_vies]
imita = {vies = false}
dica = "Faltou o viés: some `bias` ao resultado."
pergunta = "Que parâmetro do construtor você não usou?"
erro = "O viés deixa o treino escolher outro centro."

[sem_media]
imita = [{media = false}, {media = "só na variância"}]
dica = "Faltou subtrair a média: divide-se x − média, e não x."
pergunta = "Que média tem a sua saída, sem ganho e sem viés?"
erro = "A LayerNorm centra antes de dividir."

[vies_antes]
imita = {vies_antes = true}
dica = "O viés entrou antes do ganho, e foi multiplicado por ele: primeiro se multiplica, depois se soma."
pergunta = "Qual é a ordem: ganho ou viés?"
erro = "É normal · `gain` + `bias`."

[media]
dica = "A normalização não centra: sem ganho e sem viés, um token deveria ter média 0, e o seu tem {veio}."
pergunta = "De que se subtrai a média, e quando?"
erro = "Subtrai-se a média do token antes de dividir: confira os parênteses, e se `gain` só multiplica e `bias` só soma."

[variancia]
dica = "A normalização não põe na escala: sem ganho e sem viés, um token deveria ter variância 1, e o seu tem {veio}."
pergunta = "Por que número se divide?"
erro = "Pela raiz de (variância + ε), e a variância é a média dos quadrados das diferenças; ε é minúsculo, 1e-5."

[sem_raiz]
imita = {raiz = false}
dica = "Faltou a raiz: divide-se pelo desvio padrão, e não pela variância."
pergunta = "Que variância tem a sua saída, sem ganho e sem viés?"
erro = "Para [3, 9, 11, 17] a variância é 25, e o desvio, 5."
""")
def layernorm(resposta):
    """Classe `(d_model)` com `gain` e `bias`; `forward(x)` normaliza os C números de cada token."""
    casos = [(C, sortear_pesos(LayerNorm(C), i), 3 * torch.randn(B, T, C, generator=sorteio(i)) + 2)
             for i, (B, T, C) in enumerate([(2, 5, 6), (3, 4, 7), (1, 1, 64), (2, 3, 5)])]
    x = casos[-1][2]
    x -= 2
    x *= 3e-6                       # variância bem menor que ε, para ver onde ele está
    x[0, 1], x[1, 0] = 7.0, 0.0     # e dois tokens de números iguais
    return conferir_camada("layernorm", resposta, casos, _layernorm, sintomas=_sintomas_da_norma,
                           aceita=[{"valor": v} for v in (1e-5, 1e-6, 1e-8, 1e-12)])


def passo(x, peca, norma, modo="pre"):
    return {
        "pre": lambda: x + peca(norma(x)),
        "pós": lambda: norma(x + peca(x)),
        "na saída": lambda: x + norma(peca(x)),
        "sem norma": lambda: x + peca(x),
        "da norma": lambda: norma(x) + peca(norma(x)),
        "sem soma": lambda: peca(norma(x)),
        "sem peça": lambda: x + norma(x),
        "duas normas": lambda: x + norma(peca(norma(x))),
        "norma da soma": lambda: norma(x + peca(norma(x))),
        "trocados": lambda: norma(x) + peca(x),
        "produto": lambda: x * peca(norma(x)),
        "nada": lambda: x,
    }[modo]()


@exercicio(r"""
onde = "Lição 04, «Onde pôr a norma: *pre-LN* e *post-LN*»."

[post_ln]
imita = {modo = "pós"}
dica = "Isto é *post-LN*: a norma veio depois da soma. Aqui ela fica na entrada da peça."
pergunta = "O x passa por alguma norma no caminho direto?"
erro = "Com a norma depois da soma, o atalho deixa de ser um caminho livre."

[norma_na_saida]
imita = {modo = "na saída"}
dica = "A norma foi posta na saída da peça; ela fica na entrada."
pergunta = "O que a peça lê: x ou a norma de x?"
erro = "Sem norma na entrada, a peça lê números em escalas diferentes."

[sem_norma]
imita = {modo = "sem norma"}
dica = "Faltou a norma: a peça leu x cru."
pergunta = "O que a peça lê: x ou a norma de x?"
erro = "A soma cresce a cada peça, e a escala do que se lê também."
onde = "Lição 04, «Por que ainda falta uma norma»."

[atalho_da_norma]
imita = {modo = "da norma"}
dica = "O atalho saiu do valor normalizado: some o x que entrou, e não a norma dele."
pergunta = "Depois da soma, o x que entrou ainda está lá dentro?"
erro = "A norma é só para o que a peça lê; no caminho direto passa x."

[sem_atalho]
imita = {modo = "sem soma"}
dica = "Faltou o atalho: some x ao que a peça escreveu."
pergunta = "Depois da sua conta, onde está o x?"
erro = "Sem a soma, o sinal e o gradiente somem em pilhas fundas."
onde = "Lição 04, «Residual e LayerNorm»."

[duas_normas]
imita = {modo = "duas normas"}
dica = "A norma entrou duas vezes: ela fica só na entrada da peça."
pergunta = "O que a peça escreve passa por alguma norma antes da soma?"
erro = "O que a peça escreveu se soma como está."

[norma_da_soma]
imita = {modo = "norma da soma"}
dica = "O resultado da soma passou por outra norma: ela fica só na entrada da peça."
pergunta = "O x passa por alguma norma no caminho direto?"
erro = "Com uma norma depois da soma, o atalho deixa de ser um caminho livre."

[trocados]
imita = {modo = "trocados"}
dica = "A norma ficou no atalho, e a peça leu x cru: é o contrário."
pergunta = "Quem precisa ler números na mesma escala?"
erro = "A peça lê a norma de x; no caminho direto passa x."

[produto]
imita = {modo = "produto"}
dica = "O resultado da peça multiplicou x; é para somar."
pergunta = "O que conserva o x que entrou: somar ou multiplicar?"
erro = "Na soma, x continua lá dentro como parcela."

[sem_peca]
imita = {modo = "sem peça"}
dica = "A peça não foi chamada: `sublayer` ficou de fora."
pergunta = "Quem escreve no fluxo?"
erro = "Somou-se só a norma de x."
""")
def residual(resposta):
    """`f(x, sublayer, norm)`: um passo pre-LN, (B, T, C) -> (B, T, C)."""
    exigir(resposta)
    casos = [(torch.randn(B, T, C, generator=sorteio(i)) + 1, sortear_pesos(nn.Linear(C, C), i + 5), sortear_pesos(LayerNorm(C), i))
             for i, (B, T, C) in enumerate([(2, 5, 6), (3, 4, 8)])]
    casos.append((10 * torch.randn(1, 7, 4, generator=sorteio(2)), lambda h: h.cumsum(1).sin(), lambda h: h.tanh() * 2))
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    with torch.no_grad():
        julgar("residual", saidas, casos, passo, "B T C")
    x, *pecas = casos[0]
    mesmo_gradiente(lambda x: passo(x, *pecas), lambda x: resposta(x, *pecas), [x], 1e-3)
    return "x mais o que a peça escreveu, lendo a norma de x."
