"""07 · Gerar é um laço: prever, sortear, juntar ao fim, repetir."""

import torch

from estilo import APAGADO, PEQUENO, TEXTO, Folha, visivel
from gptmini.geracao import sample
from historia import ate, historia, melhores

NOME, TITULO, SECAO = "07-geracao-autoregressiva", "Gerar é um laço", "Geração autorregressiva"
ALTERNATIVO = ("Três voltas do laço da geração, uma por linha: os tokens que já existem entram no modelo, que dá as chances da "
               "próxima palavra, em barras; uma delas é sorteada e vai para o fim da linha seguinte.")
VOLTAS, SEMENTE = 3, 3


@torch.no_grad()
def dados():
    h = historia()
    idx = torch.tensor([h.ids[:ate("tinha")]])
    sorteio, voltas = torch.Generator().manual_seed(SEMENTE), []
    for _ in range(VOLTAS):
        logits = h.model(idx)[0][:, -1]                                     # (1, V)
        novo = sample(logits, generator=sorteio).view(1, 1)
        voltas.append({"tokens": [h.tokenizer.vocab[i] for i in idx[0].tolist()], "chances": melhores(logits[0].softmax(-1)),
                       "escolhida": h.tokenizer.vocab[novo.item()],
                       "chance": round(logits[0].softmax(-1)[novo.item()].item(), 4)})
        idx = torch.cat([idx, novo], 1)
    return {"voltas": voltas, "semente": SEMENTE}


def desenhar(d):
    f = Folha("Gerar é um laço", "Prever a próxima palavra, sortear uma, juntá-la ao fim, repetir.", 101)
    for i, v in enumerate(d["voltas"]):
        y = 22 + i * 24.5
        f.painel(5, y, 150, 20)
        mostrados = v["tokens"][-3:]
        larguras = [3 + 1.75 * len(visivel(p)) for p in mostrados]
        x = 56 - sum(larguras) - 0.8 * (len(larguras) - 1)
        f.texto(x - 2, y + 10, "…", TEXTO)
        for j, (p, w) in enumerate(zip(mostrados, larguras, strict=True)):
            novo = i > 0 and j == len(mostrados) - 1
            f.token(x, y + 7.2, w, p, forte=novo)
            if novo:
                centro = x + w / 2
                f.seta((139, y - 10), (139, y - 2.2), (centro, y - 2.2), (centro, y + 7.2), largura=3)
            x += w + 0.8
        f.seta((57, y + 10), (63, y + 10))
        f.peca("saida", 63, y + 5, 20, 10, "modelo")
        itens = [tuple(item) for item in v["chances"]]
        if v["escolhida"] not in dict(itens):     # o sorteio pode trazer uma menos provável: ela entra no lugar da terceira
            itens[-1] = (v["escolhida"], v["chance"])
        f.barras(83.5, y + 2.3, 38, itens, rotulo=20, passo=5.6, forte=v["escolhida"], teto=0.6)
        f.seta((122, y + 10), (128, y + 10))
        f.token(128, y + 6, 22, v["escolhida"], forte=True, h=8.5, tamanho=TEXTO)
        f.texto(139, y + 3, "sorteada", PEQUENO, APAGADO)
    f.texto(80, 96.5, "O laço para quando sai o token <fim> ou quando acaba o limite pedido.", PEQUENO, APAGADO)
    return f.figura
