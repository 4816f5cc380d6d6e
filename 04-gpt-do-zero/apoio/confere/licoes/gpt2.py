"""Do mini ao GPT-2: os nomes dos pesos, o cache e as contas de papel."""

import torch

from apoio.confere.corretor import chamar, descrever, diga, exercicio, exigir, forma_errada, igual, julgar, sorteio, um_numero, um_tensor, uma_sequencia
from gptmini.pesos import nome_no_gpt2
from gptmini.texto import short

_PECAS = ("norm1.gain norm1.bias attention.qkv.weight attention.qkv.bias attention.proj.weight norm2.gain feedforward.expand.weight "
          "feedforward.expand.bias feedforward.contract.weight feedforward.contract.bias").split()
_NOMES = ["token_embedding.weight", "position_embedding.weight", "final_norm.gain", "final_norm.bias",
          *(f"blocks.{i}.{peca}" for i in (0, 7, 11) for peca in _PECAS)]


@exercicio(r"""
onde = "Lição 10, «A mesma classe, outra ficha»."

[nao_e_texto]
dica = "Devolveu {veio}; esperava um texto (str), o nome do peso no nosso modelo."

[weight_dentro_de_outro]
dica = "De «{deles}» saiu «{veio}»: trocar a letra h em qualquer lugar estraga «weight», que também tem um h."
pergunta = "Que pedaços do nome são separados por ponto?"
erro = "Separe com `.split(\".\")` e troque cada parte inteira; ou troque «h.» só no começo."

[gain_em_toda_parte]
dica = "De «{deles}» saiu «{veio}»: só nas normalizações o `weight` deles é o nosso `gain`; nas outras camadas ele se chama `weight` nos dois."
pergunta = "Que camadas do nosso modelo têm um `gain`?"
erro = "São `norm1`, `norm2` e `final_norm`; do lado deles, as que começam por `ln_`."

[sem_gain]
dica = "De «{deles}» saiu «{veio}»: nas normalizações, o `weight` deles é o nosso `gain`."
pergunta = "Como se chamam os dois pesos da nossa LayerNorm?"
erro = "`gain` e `bias`; no GPT-2, `weight` e `bias`."

[c_proj_trocado]
dica = "De «{deles}» saiu «{veio}»: há um `c_proj` na atenção e outro no feedforward, e quem diz qual é a parte anterior do nome."
pergunta = "O que vem antes de `c_proj` em cada caso?"
erro = "`attn.c_proj` é `attention.proj`; `mlp.c_proj` é `feedforward.contract`."

[sem_traduzir]
dica = "«{deles}» saiu igual, sem tradução."
pergunta = "Em que linha do seu código esse nome muda?"
erro = "Cada par da tabela `NOMES` troca o nome deles pelo nosso."

[outro]
dica = "De «{deles}» saiu «{veio}»; esperava «{certo}»."
pergunta = "Que par da tabela `NOMES` cuida dessa parte do nome?"
erro = "Troque cada parte do nome deles pela nossa, da tabela."
""")
def traduzir(resposta):
    """`f(nome) -> str`: o nome de um peso do GPT-2 -> o nome dele no nosso modelo."""
    exigir(resposta)
    for certo in _NOMES:
        deles = nome_no_gpt2(certo)
        veio = chamar(resposta, deles)
        if type(veio) is not str:
            raise diga("traduzir.nao_e_texto", veio=descrever(veio))
        if veio != certo:
            quais = {"traduzir.sem_traduzir": veio == deles, "traduzir.weight_dentro_de_outro": "weigblockst" in veio or "weigt" in veio,
                     "traduzir.gain_em_toda_parte": "gain" in veio and "gain" not in certo, "traduzir.sem_gain": veio == certo.replace("gain", "weight"),
                     "traduzir.c_proj_trocado": deles.endswith(("c_proj.weight", "c_proj.bias")) and ("proj" in veio) != ("proj" in certo)}
            raise diga(next((nome for nome, sim in quais.items() if sim), "traduzir.outro"), deles=deles, veio=short(veio), certo=certo)
    return f"Os {len(_NOMES)} nomes voltam ao nosso modelo."


def _um_passo(q, k, v, chaves, valores, escala=True, novo=True, softmax=True, ordem="fim", troca=False):
    """(saída (hs,), chaves (T + 1, hs), valores (T + 1, hs)) do token novo."""
    par = (lambda a, b: torch.cat([b[None], a])) if ordem == "começo" else (lambda a, b: torch.cat([a, b[None]]))
    novas, novos = par(chaves, k), par(valores, v)
    olha, entrega = (novas, novos) if novo else (chaves, valores)
    if troca:
        olha, entrega = entrega, olha
    pontos = olha @ q / (q.numel() ** 0.5 if escala else 1)
    pesos = pontos.softmax(0) if softmax else pontos / pontos.sum()
    return torch.cat([pesos @ entrega, novas.flatten(), novos.flatten()])


@exercicio(r"""
onde = "Lição 10, «Não refazer contas: o cache de chaves e valores»."

[nao_sao_tres]
dica = "Devolveu {veio}; esperava três tensores, `return saida, chaves, valores`."

[cache_nao_cresceu]
dica = "{qual} voltaram com {veio} linhas; esperava {esperava}: o token novo também fica guardado."
pergunta = "O que o próximo token vai precisar encontrar no cache?"
erro = "A chave e o valor deste: junte-os ao fim com `torch.cat`."

[sem_o_novo]
imita = {novo = false}
dica = "A consulta só olhou os tokens de antes; ela olha também o próprio token."
pergunta = "Na máscara causal, a diagonal é permitida?"
erro = "Guarde primeiro a chave e o valor novos, e só então faça a atenção com todos."

[sem_escala]
imita = {escala = false}
dica = "Faltou a escala: os pontos se dividem por √hs."
pergunta = "Que número divide os pontos na lição 02?"
erro = "`hs` é o tamanho de `q`: `len(q) ** 0.5`."

[sem_softmax]
imita = {softmax = false}
dica = "Os pontos foram divididos pela soma deles: faltou a exponencial do softmax."
pergunta = "E se um ponto for negativo?"
erro = "`.softmax(dim=0)`, na fila dos pontos."

[no_comeco]
imita = {ordem = "começo"}
dica = "A chave e o valor novos foram para o começo do cache; o token novo é o último."
pergunta = "Em `torch.cat([a, b])`, quem vem primeiro?"
erro = "`torch.cat([chaves, k[None]])`."

[chaves_por_valores]
imita = {troca = true}
dica = "Chaves e valores trocaram de papel: os pontos são com as chaves, e a mistura é dos valores."
pergunta = "Com quem a consulta se compara?"
erro = "`chaves @ q` dá os pontos; os pesos misturam `valores`."
""")
def atencao_com_cache(resposta):
    """`f(q, k, v, chaves, valores) -> (saida, chaves, valores)`: (hs,) do token novo e (T, hs) dos de antes -> (hs,), (T + 1, hs), (T + 1, hs)."""
    exigir(resposta)
    casos, saidas = [], []
    for T, hs in ((3, 4), (1, 8), (6, 2), (0, 4)):
        caso = (*torch.randn(3, hs, generator=sorteio(T)), torch.randn(T, hs, generator=sorteio(9 + T)), torch.randn(T, hs, generator=sorteio(99 + T)))
        veio = chamar(resposta, *caso)
        if (tres := uma_sequencia(veio)) is None or len(tres) != 3:
            raise diga("atencao_com_cache.nao_sao_tres", veio=descrever(veio))
        saida, *guardados = map(um_tensor, tres)
        for qual, t in zip(("As chaves", "Os valores"), guardados, strict=True):
            if t.dim() == 2 and len(t) != T + 1:
                raise diga("atencao_com_cache.cache_nao_cresceu", qual=qual, veio=len(t), esperava=T + 1)
            if t.shape != (T + 1, hs):
                raise forma_errada(t.shape, (T + 1, hs), "T hs")
        if saida.shape != (hs,):
            raise forma_errada(saida.shape, (hs,), "hs")
        casos.append(caso)
        saidas.append(torch.cat([saida, *(t.flatten() for t in guardados)]))
        if T:       # sem nada guardado, alguns erros nem dão números: o caso vazio só se confere no fim
            julgar("atencao_com_cache", saidas, casos, _um_passo, "hs")
    if not igual(saidas[-1], _um_passo(*casos[-1]), 1e-4):
        raise diga("atencao_com_cache.sem_o_novo")
    return "A saída é a da atenção inteira, e o cache cresce um token, em quatro tamanhos."


def _horas(parametros, tokens, pico, parte, contas=6, unidade=3600, usa_parte=True, tera=1e12, tokens_por="total"):
    rende = {True: parte, False: 1, "ao contrário": 1 / parte}[usa_parte]
    total = contas * parametros * (1 if tokens_por == "nenhum" else tokens)
    return torch.tensor(total / (rende * pico * tera) / unidade, dtype=torch.float64)


@exercicio(r"""
onde = "Lição 10, «No papel: memória, contas, horas»."

[nao_e_numero]
dica = "Devolveu {veio}; esperava um número de horas."

[duas_contas]
imita = {contas = 2}
dica = "São 2 contas por parâmetro e token na ida; treinar pede 6, com a volta."
pergunta = "Quantas contas por parâmetro e token o texto diz?"
erro = "Seis: uma ida e uma volta, que custa o dobro."

[sem_a_parte]
imita = {usa_parte = false}
dica = "Faltou a parte do pico: a placa entrega só uma fração do que a ficha técnica diz."
pergunta = "Com 40% do pico, o treino leva mais ou menos tempo?"
erro = "Divida pelas contas por segundo de verdade: `parte * pico * 1e12`."

[parte_ao_contrario]
imita = {usa_parte = "ao contrário"}
dica = "A parte do pico entrou ao contrário: com menos rendimento, o tempo saiu menor."
pergunta = "Com 40% do pico, o treino leva mais ou menos tempo?"
erro = "`parte` multiplica o pico, e o pico divide as contas."

[em_segundos]
imita = {unidade = 1}
dica = "Isto são segundos; esperava horas."
pergunta = "Quantos segundos tem uma hora?"
erro = "São 3.600."

[em_dias]
imita = {unidade = 86400}
dica = "Isto são dias; esperava horas."
pergunta = "Quantos segundos tem uma hora?"
erro = "São 3.600."

[sem_o_tera]
imita = [{tera = 1}, {tera = 1e9}]
dica = "O pico vem em TFLOP/s, 10¹² contas por segundo: a conta saiu com outro prefixo."
pergunta = "Quantas contas por segundo são 312 TFLOP/s?"
erro = "São 312e12."

[sem_os_tokens]
imita = {tokens_por = "nenhum"}
dica = "Os tokens não entraram na conta: isto é o tempo de treinar com um só."
pergunta = "Dobrando o texto, o tempo muda?"
erro = "São 6 × parâmetros × tokens."
""")
def horas_de_treino(resposta):
    """`f(parametros, tokens, pico, parte) -> horas`; pico em TFLOP/s, parte de 0 a 1."""
    exigir(resposta)
    casos = [(124e6, 2.5e9, 312, 0.4), (1e9, 20e9, 989, 0.35), (7e9, 2e12, 312, 0.5), (273_600, 2.2e6, 0.05, 0.6)]
    julgar("horas_de_treino", [um_numero(chamar(resposta, *caso), "horas_de_treino.nao_e_numero") for caso in casos], casos, _horas, "", folga=1e-7)
    return f"As horas batem em {len(casos)} treinos, do nosso ao de sete bilhões de parâmetros."


def _bytes(blocos, cabecas, grupos, hs, tokens, por_numero, dois=True, usa="grupos", soma_blocos=True, mega=False):
    quantas = {"grupos": grupos, "cabeças": cabecas, "por grupo": cabecas // grupos}[usa]
    total = (2 if dois else 1) * (blocos if soma_blocos else 1) * quantas * hs * tokens * por_numero
    return torch.tensor(total / (1e6 if mega else 1), dtype=torch.float64)


@exercicio(r"""
onde = "Lição 10, «Não refazer contas: o cache de chaves e valores»."

[nao_e_numero]
dica = "Devolveu {veio}; esperava um número de bytes."

[so_chaves]
imita = {dois = false}
dica = "Faltou a metade: guardam-se as chaves **e** os valores."
pergunta = "O que o cache guarda de cada token?"
erro = "Duas filas: a chave e o valor."

[todas_as_cabecas]
imita = {usa = "cabeças"}
dica = "Contou uma chave por cabeça de consulta; aqui há uma por **grupo** de cabeças."
pergunta = "Quantas chaves diferentes tem um token neste modelo?"
erro = "`n_grupos`: as cabeças de um grupo usam a mesma chave e o mesmo valor."

[cabecas_por_grupo]
imita = {usa = "por grupo"}
dica = "Contou quantas cabeças há em cada grupo; o que se guarda é um par por grupo."
pergunta = "Quantos grupos há?"
erro = "`n_grupos`, e não `n_cabecas / n_grupos`."

[um_bloco]
imita = {soma_blocos = false}
dica = "Isto é o cache de um bloco só; cada bloco tem o seu."
pergunta = "Quantos blocos guardam chaves e valores?"
erro = "Todos: multiplique por `n_blocos`."

[em_megabytes]
imita = {mega = true}
dica = "Isto são megabytes; esperava bytes."
pergunta = "Que unidade o enunciado pede?"
erro = "Sem dividir por 10⁶."
""")
def bytes_do_cache(resposta):
    """`f(n_blocos, n_cabecas, n_grupos, hs, tokens, bytes_por_numero) -> bytes` do cache com cabeças em grupos."""
    exigir(resposta)
    casos = [(12, 12, 4, 64, 1024, 4), (32, 32, 8, 128, 8192, 2), (2, 3, 3, 32, 96, 4), (4, 8, 1, 16, 50, 2)]
    julgar("bytes_do_cache", [um_numero(chamar(resposta, *caso), "bytes_do_cache.nao_e_numero") for caso in casos], casos, _bytes, "", folga=1e-7)
    return f"Os bytes batem em {len(casos)} modelos, com e sem grupos."
