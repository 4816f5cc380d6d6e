"""Mede o que pede várias sementes ou um relógio, e guarda em medidas.json.

Uso, com o Python do ambiente do curso e a máquina sossegada:
    .venv/bin/python tests/medir.py [treino] [tempo] [velocidade] [cadernos] [gramatica] [laboratorio] [corrida] [geracao] [companhia]

Sem nomes, mede tudo. `velocidade` compara com o GPT-2 da biblioteca transformers, se ela estiver instalada.
"""

import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import torch

RAIZ = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(RAIZ / pasta) for pasta in ("", "ferramentas", "04-gpt-do-zero")]

import cadernos  # noqa: E402
from apoio import historinhas, pronto  # noqa: E402
from gptmini import GPTConfig, GPTMini, generate  # noqa: E402

ARQUIVO = Path(__file__).with_name("medidas.json")


def treino(sementes=(0, 1, 2, 3, 4)):
    """O treino padrão da lição 06 por semente: tempo, excesso e boletim de 500 histórias a 1 e a 0,7."""
    rodadas = []
    for semente in sementes:
        model, tokenizer, passos, historias, validacao = pronto.treinar(semente)
        rodada = {"semente": semente, "tokens": passos[-1].tokens,
                  "excesso": historinhas.excesso(model, tokenizer, validacao)}
        for temperature in (1.0, 0.7):
            ids = generate(model, torch.zeros(500, 1, dtype=torch.long), 95, temperature, stop=tokenizer.fim,
                           generator=torch.Generator().manual_seed(semente))
            boletim = historinhas.boletim([tokenizer.decode(linha) for linha in ids], treino=historias)
            rodada[f"boletim_{temperature}"] = boletim.notas
        rodadas.append(rodada)
        print(rodada, flush=True)
    notas = [f"boletim_{t}" for t in (1.0, 0.7)]
    return {
        "parametros": model.num_parameters(), "vocabulario": tokenizer.vocab_size, "rodadas": rodadas,
        "media": {"excesso": media(r["excesso"] for r in rodadas)}
        | {n: {k: media(r[n].get(k, math.nan) for r in rodadas) for k in rodadas[0][n]} for n in notas},
    }


def tempo():
    """Quanto leva o treino padrão, sozinho na máquina."""
    *_, passos, _, _ = pronto.treinar()
    return {"segundos": round(passos[-1].seconds, 1), "tokens": passos[-1].tokens, "threads": torch.get_num_threads()}


def media(valores):
    return round(statistics.mean(valores), 5)


def gramatica(sorteios=30_000):
    """O limite exato, e quanto ele muda quando se tiram as histórias repetidas."""
    padrao = historinhas.padrao()
    resumo = padrao.resumo().values()
    caminhos = [c for enredo in padrao.enredos for c in enredo.caminhos.values()]
    repetidas = sorteios**2 / 2 * sum(c.historias * math.exp(-2 * c.nats) for c in caminhos)
    maior_surpresa = max(c.nats for c in caminhos)
    return {"limite": padrao.limite(), "enredos": len(padrao.enredos),
            "historias": sum(p["historias"] for p in resumo), "p_maxima": max(p["p_maxima"] for p in resumo),
            "repetidas_esperadas_em_30_mil": repetidas,
            "cota_do_efeito_no_limite": repetidas / sorteios * maior_surpresa / min(p["menor"] for p in resumo)}


def velocidade(rodadas=5, passos=8):
    """Tokens por segundo no treino, nas formas da §7 do desenho; medianas de rodadas intercaladas."""
    V, T, C, nh, N, B = 65, 64, 128, 4, 4, 32
    modelos = {"gptmini": GPTMini(GPTConfig(V, T, C, nh, N))}
    try:
        from transformers import GPT2Config, GPT2LMHeadModel

        modelos["transformers"] = GPT2LMHeadModel(GPT2Config(vocab_size=V, n_positions=T, n_embd=C, n_head=nh, n_layer=N,
                                                             resid_pdrop=0, embd_pdrop=0, attn_pdrop=0))
    except ImportError:
        print("sem transformers: instale com «pip install transformers» para comparar")
    idx = torch.randint(V, (B, T))
    perda = {"gptmini": lambda m: m(idx, idx)[1], "transformers": lambda m: m(idx, labels=idx).loss}
    otimos = {n: torch.optim.AdamW(m.parameters(), 1e-3, fused=True) for n, m in modelos.items()}
    tempos, produtos, quadrada = {n: [] for n in modelos}, [], torch.randn(1024, 1024)
    for rodada in range(rodadas + 1):
        inicio = time.perf_counter()
        for _ in range(20):
            quadrada @ quadrada
        produtos.append(20 * 2 * 1024**3 / (time.perf_counter() - inicio))
        for nome, modelo in modelos.items():
            inicio = time.perf_counter()
            for _ in range(passos):
                otimos[nome].zero_grad()
                perda[nome](modelo).backward()
                otimos[nome].step()
            if rodada:
                tempos[nome].append(passos * B * T / (time.perf_counter() - inicio))
    medianas = {n: round(statistics.median(t)) for n, t in tempos.items()}
    if "transformers" in medianas:
        medianas["razao"] = round(medianas["gptmini"] / medianas["transformers"], 3)
    # O teto: se o treino fosse só produtos de matrizes, 6 contas por parâmetro de matriz e token, mais os da atenção.
    contas = 6 * (N * 12 * C * C + V * C) + 12 * N * T * C
    medianas["GFLOP_por_segundo"] = round(statistics.median(produtos[1:]) / 1e9)
    medianas["parte_do_teto"] = round(medianas["gptmini"] * contas / statistics.median(produtos[1:]), 3)
    return medianas


def geracao(rodadas=3, novos=500):
    """Tokens por segundo ao escrever 500 tokens com cache, contexto 512; medianas de rodadas intercaladas."""
    from transformers import GPT2Config, GPT2LMHeadModel

    from gptmini import generate_cached

    nosso = GPTMini(GPTConfig(65, 512, 128, 4, 4)).eval()
    deles = GPT2LMHeadModel(GPT2Config(vocab_size=65, n_positions=512, n_embd=128, n_head=4, n_layer=4,
                                       bos_token_id=0, eos_token_id=None)).eval()
    idx = torch.zeros(1, 1, dtype=torch.long)
    formas = {"gptmini": lambda: generate_cached(nosso, idx, novos),
              "transformers": lambda: deles.generate(idx, max_new_tokens=novos, do_sample=True, top_k=0, pad_token_id=0,
                                                     attention_mask=torch.ones_like(idx))}
    tempos = {nome: [] for nome in formas}
    for rodada in range(rodadas + 1):
        for nome, gerar in formas.items():
            inicio = time.perf_counter()
            assert gerar().shape == (1, novos + 1)
            if rodada:
                tempos[nome].append(novos / (time.perf_counter() - inicio))
    medianas = {nome: round(statistics.median(t)) for nome, t in tempos.items()}
    return medianas | {"razao": round(medianas["gptmini"] / medianas["transformers"], 2)}


PASSOS_EM_COMPANHIA = """
import statistics, sys, time
from apoio import historinhas
from gptmini import WordTokenizer, train_steps
from gptmini.treino import RECEITA, modelo_novo
todas = [h.texto for h in historinhas.sortear(2_000, semente=0)]
tokenizer = WordTokenizer(todas)
exemplos = [[0, *tokenizer.encode(t), 0] for t in todas]
marcas = [0.0]
for passo in train_steps(modelo_novo(tokenizer), exemplos, **RECEITA | {"steps": 100_000}):
    marcas.append(passo.seconds)
    if passo.seconds > 25:
        break
print(round(1e3 * statistics.median(b - a for a, b in zip(marcas[3:], marcas[4:])), 1))
"""


def companhia():
    """Um passo do treino padrão, em ms: sozinho, com outro treino ao lado, com um núcleo ocupado; com a espera de fábrica e a do curso."""
    ambiente = os.environ | {"PYTHONPATH": str(RAIZ / "04-gpt-do-zero")}
    for nome in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        ambiente.pop(nome, None)
    # De fábrica: com o torch já carregado, a espera que o curso pede não tem mais efeito.
    esperas = {"de fábrica": ("import torch", {}), "do curso": ("", {}), "passiva": ("", {"OMP_WAIT_POLICY": "passive"})}
    ao_lado = {"sozinho": None, "com outro treino": PASSOS_EM_COMPANHIA.replace("> 25", "> 1e9"), "com um núcleo ocupado": "while True: pass"}
    medidas = {}
    for espera, (antes, variaveis) in esperas.items():
        for companhia, programa in ao_lado.items():
            vizinho = programa and subprocess.Popen([sys.executable, "-c", f"{antes}\n{programa}"], env=ambiente | variaveis, stderr=subprocess.DEVNULL)
            try:
                feito = subprocess.run([sys.executable, "-c", antes + PASSOS_EM_COMPANHIA], env=ambiente | variaveis, check=True, capture_output=True, text=True)
            finally:
                if vizinho:
                    vizinho.kill()
                    vizinho.wait()
            medidas.setdefault(espera, {})[companhia] = float(feito.stdout)
            print(espera, companhia, feito.stdout.strip(), "ms", flush=True)
    return medidas


def tempos_dos_cadernos():
    """De cada caderno, do kernel frio ao fim: segundos e o pico de memória do kernel, em MB."""
    programa = ("import resource, sys, nbformat; from nbclient import NotebookClient; c = nbformat.read(sys.argv[1], 4); "
                "NotebookClient(c, timeout=900, resources={'metadata': {'path': sys.argv[2]}}).execute(); "
                "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)")     # o filho é o kernel; em KiB
    medidas = {}
    pasta = cadernos.CAPITULO
    for caderno in [*cadernos.licoes(), cadernos.PAGINA]:
        inicio = time.perf_counter()
        feito = subprocess.run([sys.executable, "-c", programa, str(caderno), str(pasta)], check=True, stdout=subprocess.PIPE, text=True)
        medidas[caderno.stem] = {"segundos": round(time.perf_counter() - inicio, 1), "memoria_MB": int(feito.stdout.split()[-1])}
        print(caderno.stem, medidas[caderno.stem], flush=True)
    return medidas


def a_bancada(id, nome):
    """O que as células com o rótulo `bancada` definem, no notebook em que está a célula."""
    bancada = {"__name__": nome}
    for celula in cadernos.celulas(cadernos.caderno_de(id)):
        if "bancada" in cadernos.rotulos(celula):
            exec(cadernos.texto(celula), bancada)
    return bancada


def laboratorio(sementes=(0, 1, 2)):
    """As faltas e as pilhas da lição 09, por semente; quem as define são as células dela com o rótulo `bancada`."""
    bancada = a_bancada("laboratorio-052", "laboratorio")
    medidas = {"faltas": {}, "pilhas": {}}
    for nome in bancada["experimentos"]:
        ensaios = [bancada["ensaio"](nome, semente) for semente in sementes]
        medidas["faltas"][nome] = [{"excesso": round(e["excesso"], 4)} | bancada["notas"](e["boletim"]) for e in ensaios]
        print("\r", nome, medidas["faltas"][nome], flush=True)
    for nome in bancada["PILHAS"]:
        for nascer in (False, True):
            perdas = [bancada["perda_da_pilha"](nome, 32, nascer, semente) for semente in sementes]
            medidas["pilhas"][nome + ", pesos " + ("maiores" if nascer else "pequenos")] = [
                round(perda, 3) if math.isfinite(perda) else "estourou" for perda in perdas]
    return medidas


# Por quantos passos a procura começa na primeira semente; nas outras, por perto do que a primeira achou.
PARTIDAS = {"+ forma": 2000, "+ otimizador": 900, "+ descida reta": 900, "+ RMSNorm": 900, "+ RoPE": 650, "+ QK-norm": 600, "+ ReLU²": 600,
            "+ zeros": 700, "+ Muon": 230, "+ taxa das tabelas": 230, "sem Muon": 550, "sem pares": 230, "sem RoPE": 250, "sem QK-norm": 180}


def corrida(sementes=(0, 1, 2)):
    """Da lição 09: passos e segundos até o alvo, por semente, com as peças uma a uma e sem cada uma; e a referência.

    Precisa do texto do Machado (baixado, ou já guardado). Os passos se contam com um núcleo, para que um vizinho não atrase; os segundos são
    os passos vezes o tempo de um passo, medido com todos os núcleos em rodadas em que cada receita corre uns poucos passos por vez.
    Com CORRIDA_PARCIAL=pasta, cada treino é guardado ali, e uma medida interrompida continua de onde parou.
    """
    bancada, nucleos = a_bancada("corrida-055", "corrida"), torch.get_num_threads()
    regras, todas = bancada["corrida"], bancada["PIECES"]
    if bancada["pista"].nome == "historinhas":
        sys.exit("esta medida precisa do texto do Machado; sem rede, ele não veio.")
    escada = {f"+ {nome}": pecas for nome, pecas in bancada["ESCADA"].items()}
    faltas = {f"sem {peca}": [p for p in todas if p != peca] for peca in todas if peca != "otimizador"}
    pistas = {"historinhas": {"+ pares": todas}, "Machado de Assis": escada | faltas}
    torch.set_num_threads(1)
    perdas, passos = {}, {}
    for pista, nome, semente in [(p, n, s) for p in pistas for s in sementes for n in ("referência", *pistas[p])]:
        passos[pista, nome, semente] = contar(bancada, pista, nome, pistas[pista].get(nome), semente)
    perdas = {pista: [passos[pista, "referência", s] for s in sementes] for pista in pistas}
    torch.set_num_threads(nucleos)
    medidas = {}
    for nome_da_pista, receitas in pistas.items():
        pista = regras.abrir_pista(nome_da_pista)
        ms = passo_em_rodadas(regras, pista, {"referência": regras.REFERENCIA} | {n: bancada["receita"](p, 1000, n) for n, p in receitas.items()})
        medidas[nome_da_pista] = {"referência": [{"perda": p, "segundos": round(regras.REFERENCIA.passos * ms["referência"] / 1000, 1)} for p in perdas[nome_da_pista]]}
        for nome in receitas:
            dela = [passos[nome_da_pista, nome, s] for s in sementes]
            medidas[nome_da_pista][nome] = [{"segundos": round(p * ms[nome] / 1000, 2), "passos": p} for p in dela]
    return medidas


def contar(bancada, pista, nome, pecas, semente):
    """Da referência, a perda; de outra receita, os passos até o alvo da pista.

    A primeira semente treina por passos que não bastam e por passos que bastam, e interpola. As outras treinam uma vez, com os passos que a
    primeira achou; a inclinação dela diz quantos faltam ou sobram.
    """
    regras = bancada["corrida"]
    if bancada["pista"].nome != pista:
        bancada["pista"] = regras.abrir_pista(pista)

    def perda_com(passos, receita=None):
        chave = f"{pista}, {nome}, {semente}, {passos} passos"
        return guardado(chave, lambda: round(bancada["correr"](receita or bancada["receita"](pecas, passos, nome), semente)[0], 4))

    if pecas is None:
        return perda_com(regras.REFERENCIA.passos, regras.REFERENCIA)
    alvo = regras.ALVOS[pista]
    if semente:
        passos, inclinacao = contar.primeira[pista, nome]
        return round(passos * math.exp((perda_com(passos) - alvo) / inclinacao))
    poucos = PARTIDAS.get(nome, 120)
    while perda_com(poucos) <= alvo:
        poucos = poucos * 2 // 3
    muitos = poucos * 3 // 2
    while perda_com(muitos) > alvo:
        poucos, muitos = muitos, muitos * 3 // 2
        if muitos > 10_000:
            sys.exit(f"«{nome}» não chegou ao alvo em {poucos} passos: diga isso na tabela, e tire a receita daqui.")
    inclinacao = (perda_com(poucos) - perda_com(muitos)) / math.log(muitos / poucos)
    passos = round(poucos * math.exp((perda_com(poucos) - alvo) / inclinacao))
    contar.primeira[pista, nome] = passos, inclinacao
    return passos


contar.primeira = {}        # (pista, receita): os passos da primeira semente, e quanto a perda desce quando eles crescem e vezes


def guardado(nome, conta):
    """O que `conta()` dá, ou o que já deu, se CORRIDA_PARCIAL diz onde se guarda."""
    pasta = os.environ.get("CORRIDA_PARCIAL")
    arquivo = pasta and Path(pasta, f"{nome}.json")
    if arquivo and arquivo.exists():
        return json.loads(arquivo.read_text(encoding="utf-8"))
    valor = conta()
    print(f"\r{nome}: {valor}", flush=True)
    if arquivo:
        arquivo.parent.mkdir(parents=True, exist_ok=True)
        arquivo.write_text(json.dumps(valor), encoding="utf-8")
    return valor


def passo_em_rodadas(regras, pista, receitas, rodadas=15, passos=20):
    """O tempo de um passo de cada receita, em ms: a mediana de rodadas em que todas correm, uma depois da outra."""
    tempos = {nome: [] for nome in receitas}
    for _ in range(rodadas):
        for nome, receita in receitas.items():
            marcas = []
            for _, passo in regras.treinar(receita, pista):
                marcas.append(passo.seconds)
                if len(marcas) == passos + 2:
                    break
            tempos[nome] += [1000 * (b - a) for a, b in zip(marcas[1:], marcas[2:])]
    return {nome: statistics.median(t) for nome, t in tempos.items()}


MEDIDAS = {"gramatica": gramatica, "velocidade": velocidade, "cadernos": tempos_dos_cadernos, "tempo": tempo, "treino": treino,
           "laboratorio": laboratorio, "corrida": corrida, "geracao": geracao,
           "companhia": companhia}


def main():
    pedidas = sys.argv[1:] or list(MEDIDAS)
    if set(pedidas) - set(MEDIDAS):
        sys.exit(f"não conheço essa medida; existem: {', '.join(MEDIDAS)}.")
    guardadas = json.loads(ARQUIVO.read_text(encoding="utf-8")) if ARQUIVO.exists() else {}
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=RAIZ, capture_output=True, text=True, check=False).stdout.strip()
    for nome in pedidas:
        print("medindo", nome, flush=True)
        guardadas[nome] = {"maquina": f"{os.cpu_count()} núcleos de CPU, {platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}",
                           "data": date.today().isoformat(), "commit": commit, "medidas": MEDIDAS[nome]()}
        ARQUIVO.write_text(json.dumps(guardadas, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(guardadas[nome]["medidas"], ensure_ascii=False)[:600], flush=True)


if __name__ == "__main__":
    main()
