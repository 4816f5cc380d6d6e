"""05 · Do texto às probabilidades; o treino usa todas as posições, a geração só a última."""

from apoio.numeros import numero
from estilo import APAGADO, COR, PEQUENO, TEXTO, Folha, claro, parte, visivel
from historia import ate, caminho, historia, melhores

NOME, TITULO, SECAO = "05-gpt-mini-pipeline", "Do texto às probabilidades", "O GPT didático"
ALTERNATIVO = ("O caminho inteiro, de cima para baixo, em uma coluna por token: palavras, ids, vetores, pilha de blocos, logits "
               "e probabilidades. Os logits podem ser negativos e não somam 1; o softmax faz deles probabilidades. No treino, "
               "cada posição tem sua palavra certa e conta na perda; na geração, só as probabilidades da última posição "
               "servem para escolher a próxima palavra.")


def dados():
    vezes = ate("boneco")
    inicio = ate("tinha") - 2
    h, c = historia(), caminho(vezes)
    alvos = h.ids[1:vezes + 1]
    chances = c.logits.softmax(-1)
    return {"palavras": h.palavras[inicio:vezes], "ids": h.ids[inicio:vezes], "alvos": h.palavras[inicio + 1:vezes + 1],
            "posicao": inicio, "vetores": c.paradas[0].vetores[inicio:].round(decimals=3).tolist(),
            "logit": [round(c.logits[i, a].item(), 2) for i, a in list(enumerate(alvos))[inicio:]],
            "chance": [round(chances[i, a].item(), 4) for i, a in list(enumerate(alvos))[inicio:]],
            "menor": round(c.logits[-1].min().item(), 2), "ultima": melhores(chances[-1], 4),
            "C": h.config.d_model, "V": h.config.vocab_size, "blocos": h.config.n_layers}


def desenhar(d):
    f = Folha("Do texto às probabilidades", "Uma coluna por token. No treino contam todas; na geração, só a última.", 139)
    T = len(d["palavras"])
    w, x0 = 27, 36
    f.painel(x0 + (T - 1) * (w + 2) - 1, 19, w + 2, 81, claro(COR["saida"], 0.8))
    xs = [x0 + i * (w + 2) for i in range(T)]
    for y, nome, forma in ((25, "palavras", "T"), (34, "ids", "T"), (46, "vetores", f"T × {d['C']}"), (60, "blocos", f"T × {d['C']}"),
                           (75, "logits", f"T × {d['V']}"), (90, "chances", f"T × {d['V']}")):
        f.texto(6, y - 1.5, nome, TEXTO, ha="left", weight="bold")
        f.texto(6, y + 2.4, forma, PEQUENO, APAGADO, ha="left")
    limite = max(abs(v) for linha in d["vetores"] for v in linha)
    for i, x in enumerate(xs):
        m = x + w / 2
        f.token(x, 22, w, d["palavras"][i])
        f.seta((m, 27.5), (m, 31.2))
        f.token(x, 31.2, w, str(d["ids"][i]), cor=claro(COR["embedding"], 0.5))
        f.seta((m, 36.7), (m, 42))
        f.imagem(x, 42, w, 7, [d["vetores"][i][k * 12:(k + 1) * 12] for k in range(len(d["vetores"][i]) // 12)], limite)
        f.seta((m, 49), (m, 54.5))
        f.seta((m, 66), (m, 71.5))
        f.token(x, 71.5, w, numero(d["logit"][i]))
        f.seta((m, 77), (m, 86.5))
        f.token(x, 86.5, w, parte(d["chance"][i]), cor=claro(COR["saida"], 0.45))
    f.peca("bloco", xs[0], 54.5, xs[-1] + w - xs[0], 11.5, f"{d['blocos']} blocos: atenção e feedforward, somados ao fluxo")
    f.texto(x0 - 2, 81.7, "softmax", PEQUENO, ha="right", weight="bold")
    for x, alvo in zip(xs, d["alvos"], strict=True):
        f.texto(x + w / 2, 96, f"de «{visivel(alvo)}»", PEQUENO)
    m = xs[-1] + w / 2
    f.seta((m, 100), (m, 105))
    f.painel(6, 105, 82, 25)
    f.texto(10, 110.5, "Treino: todas as posições", TEXTO, ha="left", weight="bold")
    f.texto(10, 120, "a perda é a média de −ln(chance da\npalavra certa), de todas as colunas", PEQUENO, ha="left")
    f.painel(92, 105, 62, 25, claro(COR["saida"], 0.8))
    f.texto(96, 110.5, "Geração: só a última", TEXTO, ha="left", weight="bold")
    f.barras(94, 113.3, 58, [tuple(i) for i in d["ultima"][:3]], rotulo=19, passo=5.5, teto=0.4)
    f.texto(80, 134, f"Logits não são probabilidades: podem ser negativos (aqui, até {numero(d['menor'])}) e não somam 1.", PEQUENO, APAGADO)
    return f.figura
