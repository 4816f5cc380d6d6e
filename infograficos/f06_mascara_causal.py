"""06 · A máscara causal: os pontos do futuro viram −∞ antes do softmax, e o peso deles é zero."""

import math

import torch

from apoio.numeros import numero
from estilo import APAGADO, COR, PEQUENO, TEXTO, Folha, claro
from historia import caminho, historia

NOME, TITULO, SECAO = "06-mascara-causal", "A máscara causal", "A máscara causal"
ALTERNATIVO = ("Duas tabelas lado a lado, uma linha por token que olha, uma coluna por token olhado. À esquerda, as notas da "
               "atenção, com −∞ em tudo que fica depois da diagonal. À direita, os pesos depois do softmax: no lugar de cada "
               "−∞ há zero, e cada linha soma 100%.")
QUANTOS = 6


@torch.no_grad()
def dados():
    h, c = historia(), caminho(QUANTOS + 1)
    # A cabeça mais decidida do bloco 1: a que põe mais peso fora do próprio token.
    fora = c.atencao[0][:, 1:, 1:] * (1 - torch.eye(QUANTOS))
    cabeca = fora.amax((1, 2)).argmax().item()
    atencao = h.model.blocks[0].attention
    hs = h.config.d_model // h.config.n_heads
    q, k, _ = atencao.qkv(c.paradas[1].vetores).split(h.config.d_model, -1)                # 3 × (T, C)
    fatia = slice(cabeca * hs, (cabeca + 1) * hs)
    notas = q[:, fatia] @ k[:, fatia].T / math.sqrt(hs)                                    # (T, T)
    return {"palavras": h.palavras[:QUANTOS + 1], "cabeca": cabeca + 1, "notas": notas.round(decimals=2).tolist(),
            "pesos": c.atencao[0][cabeca].round(decimals=4).tolist()}


def desenhar(d):
    f = Folha("A máscara causal", "Cada palavra lê a si mesma e as anteriores. O futuro vira −∞ antes do softmax.", 95)
    T, w, h = len(d["palavras"]), 8.6, 7.6
    for x0, titulo, tabela in ((20, "notas", d["notas"]), (95, "pesos, em %", d["pesos"])):
        f.texto(x0 + T * w / 2, 21, titulo, TEXTO, weight="bold")
        for i, p in enumerate(d["palavras"]):
            y = 31 + i * h
            if x0 == 20:
                f.texto(x0 - 1, y + h / 2, f"{p}  {i + 1}", PEQUENO, ha="right")
            for j in range(T):
                x = x0 + j * w
                futuro = j > i
                if tabela is d["pesos"]:
                    texto, cor = f"{100 * tabela[i][j]:.0f}", claro(COR["atencao"], 1 - 0.95 * tabela[i][j])
                    cor = "#E4E2DC" if futuro else cor
                else:
                    texto, cor = ("−∞", "#E4E2DC") if futuro else (numero(tabela[i][j]), COR["papel"])
                f.token(x, y, w, texto, h=h, cor=cor)
        for j in range(T):
            f.texto(x0 + (j + 0.5) * w, 27.5, str(j + 1), PEQUENO, APAGADO)
    f.seta((82, 57), (93.5, 57), largura=4)
    f.texto(87.5, 52.5, "softmax", PEQUENO, weight="bold")
    f.texto(80, 89.5, f"Cabeça {d['cabeca']} do bloco 1 do modelo treinado, no começo da história. Cada linha dos pesos soma 100%.",
            PEQUENO, APAGADO)
    return f.figura
