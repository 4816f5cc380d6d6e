"""03 · O feedforward: alarga, curva com a GELU, estreita. Os números são os de um token no bloco 1."""

import torch
from matplotlib.ticker import MultipleLocator

from apoio.numeros import numero
from estilo import APAGADO, COR, LINHA, PEQUENO, TEXTO, TINTA, Folha, parte
from historia import ate, caminho, historia, melhores

NOME, TITULO, SECAO = "03-feedforward", "O feedforward", "Feedforward: o que cada token faz com o que leu"
ALTERNATIVO = ("O feedforward em quatro passos, de um token só: o vetor lido, em faixa de cores; a expansão para quatro vezes "
               "mais números; a GELU, que apaga quase todo o negativo; a contração de volta ao tamanho de antes. Ao lado, a "
               "curva da GELU com um ponto para cada neurônio do token, e o que o modelo diria antes e depois desta peça.")
BLOCO = 1


@torch.no_grad()
def dados():
    h, vezes = historia(), ate("tirou") + 1
    c = caminho(vezes)
    bloco = h.model.blocks[BLOCO - 1]
    lido = next(p for p in c.paradas if p.bloco == BLOCO and p.nome == "LayerNorm 2").vetores[-1]
    escrito = next(p for p in c.paradas if p.bloco == BLOCO and p.peca == "feedforward").vetores[-1]
    diria = [melhores(c.lente(next(p for p in c.paradas if p.bloco == BLOCO and p.nome == nome))[-1], 1)[0]
             for nome in ("residual 1", "residual 2")]
    antes, depois = bloco.feedforward.expand(lido), c.neuronios[BLOCO - 1][-1]
    return {"token": h.palavras[vezes - 1], "bloco": BLOCO, "lido": lido.round(decimals=3).tolist(),
            "antes": antes.round(decimals=3).tolist(), "depois": depois.round(decimals=3).tolist(),
            "escrito": escrito.round(decimals=3).tolist(), "positivos": int((antes > 0).sum()),
            "diria": diria}


def desenhar(d):
    C, C4 = len(d["lido"]), len(d["antes"])
    f = Folha("O feedforward", "Cada token sozinho: alarga, curva, estreita.", 92)
    linhas = 8

    def faixa(y, h, valores, w):
        tabela = torch.tensor(valores).view(linhas, -1).tolist()
        f.imagem(44 - w / 2, y, w, h, tabela, max(abs(v) for v in valores))

    faixa(20, 7, d["lido"], 18)
    f.texto(55, 23.5, f"lê {C} números", PEQUENO, ha="left")
    f.seta((44, 27), (44, 30.5))
    f.peca("feedforward", 30, 30.5, 28, 7, "expande × 4", PEQUENO)
    f.seta((44, 37.5), (44, 41))
    faixa(41, 7, d["depois"], 72)
    f.texto(44, 51, f"{C4} neurônios depois da GELU: {d['positivos']} positivos", PEQUENO)
    f.seta((44, 53.5), (44, 57))
    f.peca("feedforward", 30, 57, 28, 7, "contrai", PEQUENO)
    f.seta((44, 64), (44, 67.5))
    faixa(67.5, 7, d["escrito"], 18)
    f.texto(55, 71, f"soma {C} números", PEQUENO, ha="left")
    (antes, certeza), (depois, chance) = d["diria"]
    f.texto(44, 81.5, f"antes, o modelo diria «{antes}», {parte(certeza)};", PEQUENO)
    f.texto(44, 85.8, f"depois, «{depois}», {parte(chance)}", PEQUENO, weight="bold")
    g = f.grafico(97, 28, 56, 48)
    x = torch.linspace(min(-4, *d["antes"]), max(3, *d["antes"]), 161)
    g.axhline(0, color=LINHA, linewidth=1)
    g.axvline(0, color=LINHA, linewidth=1)
    g.plot(x, torch.nn.functional.gelu(x, approximate="tanh"), color=COR["feedforward"], linewidth=6, zorder=2)
    g.scatter(d["antes"], d["depois"], s=22, color=TINTA, zorder=3, linewidths=0)
    alto = max(3.0, max(d["depois"]) * 1.08)
    g.set(xlim=(min(-3, *d["antes"]) * 1.05, alto), ylim=(-0.4, alto))
    g.set_xlabel("antes da GELU", fontsize=PEQUENO)
    g.set_ylabel("depois", fontsize=PEQUENO)
    g.xaxis.set_major_locator(MultipleLocator(2))
    g.yaxis.set_major_locator(MultipleLocator(1))
    g.xaxis.set_major_formatter(lambda v, _: numero(v, 0))
    g.yaxis.set_major_formatter(lambda v, _: numero(v, 0))
    f.texto(125, 23, "GELU: um ponto por neurônio", TEXTO, weight="bold")
    f.texto(125, 87.5, f"medido no token «{d['token']}», bloco {d['bloco']}", PEQUENO, APAGADO)
    return f.figura
