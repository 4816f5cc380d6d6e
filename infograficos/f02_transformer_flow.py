"""02 · Um token, parada por parada: o que o modelo diria se parasse ali."""

from estilo import APAGADO, PEQUENO, TEXTO, Folha, parte, visivel
from historia import ate, caminho, historia, melhores

NOME, TITULO, SECAO = "02-transformer-flow", "Um token atravessa o modelo", "Como os dados fluem dentro do bloco"
ALTERNATIVO = ("Cinco paradas de um token pelo modelo: embedding, atenção e feedforward do bloco 1, atenção e feedforward do "
               "bloco 2. Na parada da atenção lê-se para que palavra a cabeça mais decidida olhou. Abaixo de cada parada, "
               "barras com as três palavras que o modelo diria se parasse ali; só na última elas são a previsão do modelo.")
NOMES = {"embedding": "embedding", "atencao": "atenção", "feedforward": "feedforward"}


def dados():
    vezes = ate("tirou") + 1
    c, palavras = caminho(vezes), historia().palavras[:vezes]
    paradas = []
    for i, p in enumerate(c.paradas):
        if p.peca not in NOMES:
            continue
        # Nas peças que somam, a lente lê o fluxo depois da soma.
        fluxo = p if p.peca == "embedding" else c.paradas[i + 1]
        parada = {"peca": p.peca, "bloco": p.bloco, "diria": melhores(c.lente(fluxo)[-1])}
        if p.peca == "atencao":
            pesos = c.atencao[p.bloco - 1][:, -1]
            cabeca, onde = divmod(pesos.argmax().item(), vezes)
            parada |= {"olha": palavras[onde], "token": onde, "cabeca": cabeca + 1, "peso": round(pesos.max().item(), 4)}
        paradas.append(parada)
    return {"contexto": palavras[-7:], "token": palavras[-1], "T": vezes, "paradas": paradas,
            "certa": historia().palavras[vezes]}


def desenhar(d):
    f = Folha("Um token atravessa o modelo", f"Qual palavra vem depois de «{d['token']}»? A resposta se forma pelo caminho.", 92)
    f.texto(8, 24, "…", TEXTO)
    x = 11
    for i, p in enumerate(d["contexto"]):
        w = 4 + 1.75 * len(visivel(p))
        ultimo = i == len(d["contexto"]) - 1
        f.token(x, 21, w, p, forte=ultimo)
        x += w + 1.2
    centro = x - 1.2 - w / 2
    f.texto(x + 2, 23.7, "?", 26, ha="left", weight="bold")
    largura, vao = 28.4, 2
    f.seta((centro, 26.5), (centro, 30), (5 + largura / 2, 30), (5 + largura / 2, 35.5), largura=2.5)
    for i, p in enumerate(d["paradas"]):
        x = 5 + i * (largura + vao)
        f.painel(x, 46, largura, 36)
        f.peca(p["peca"], x + 2.2, 35.5, largura - 4.4, 8.5, NOMES[p["peca"]], PEQUENO)
        if i:
            f.seta((x - vao - 2.2, 39.7), (x + 2.2, 39.7))
        cima = f"bloco {p['bloco']}" if p["bloco"] else "a palavra e o lugar"
        f.texto(x + largura / 2, 49.5, cima, PEQUENO, APAGADO)
        if "olha" in p:
            f.texto(x + largura / 2, 55, f"olha «{visivel(p['olha'])}» {parte(p['peso'])}", PEQUENO)
        f.barras(x + 1, 61, largura - 1.5, [tuple(item) for item in p["diria"]], rotulo=14, passo=6.5, forte=d["certa"])
    f.texto(80, 87, f"Barras: as três palavras que o modelo diria se parasse ali. Na história vem «{d['certa']}».", PEQUENO, APAGADO)
    return f.figura
