"""O GPT no bolso: o modelo e a conta inteira numa página HTML só, que abre sem rede no celular ou no computador."""

import base64
import hashlib
import html
import json
import os
import re
from dataclasses import asdict
from pathlib import Path

import torch

from apoio import historinhas
from apoio.arquivos import desmontar, gravar
from apoio.numeros import numero
from apoio.por_dentro import difere_do_padrao
from gptmini.texto import short

PAGINA = Path(__file__).with_name("pagina.html")
TOKENS = {"palavras": "palavra", "caracteres": "caractere"}                 # o que é um token, para a página
MOSTRA = 60                                                                 # nomes escritos no resumo


def publicar(model, tokenizer, caminho, titulo="Meu GPT", autoria=""):
    """Escreve em `caminho` uma página HTML com o modelo dentro e devolve o caminho.

    Antes de escrever, diz o que o arquivo vai levar. Se ele já existe, só é trocado quando o novo está completo.
    """
    caminho = _confere_caminho(caminho)
    if peca := difere_do_padrao(model):
        raise ValueError(f"a página contaria a história de outro modelo: {peca} não é do GPTMini do curso, e a página só sabe "
                         "calcular as peças do capítulo.")
    guardado = desmontar(tokenizer, model.config.vocab_size)
    token = TOKENS[guardado["tokenizador"]]
    for nome, texto in (("titulo", titulo), ("autoria", autoria)):
        if not isinstance(texto, str) or not texto.isprintable():
            raise TypeError(f"{nome} veio {short(texto)}; esperava um texto de uma linha, só de letras e sinais que se escrevem.")
    if not titulo.strip():
        raise ValueError("titulo veio vazio; dê um nome à página.")
    pecas, pesos = _pesos(model)
    dados = {"config": asdict(model.config), "pecas": pecas, "vocab": guardado["vocab"], "fim": tokenizer.fim, "token": token}
    pagina = _pagina(dados, pesos, titulo.strip(), autoria.strip())
    print(_resumo(caminho, model, tokenizer, token, titulo, autoria, len(pagina)))
    gravar(caminho, pagina)
    print(f"Pronto: {caminho}")
    return caminho


def _confere_caminho(caminho):
    if not isinstance(caminho, (str, Path)) or not str(caminho).isprintable():
        raise TypeError(f'caminho veio {short(caminho)}; esperava o nome do arquivo, como "meu-gpt.html".')
    caminho = Path(caminho)
    if caminho.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"o caminho «{caminho!s:.120}» não termina em .html; o navegador precisa dessa terminação.")
    if not os.path.isdir(caminho.parent):                   # e não is_dir, que num nome comprido demais levanta erro
        raise FileNotFoundError(f"a pasta «{caminho.parent!s:.120}» não existe; crie-a antes, ou escolha outra.")
    if os.path.isdir(caminho):
        raise IsADirectoryError(f"«{caminho!s:.120}» é uma pasta; dê o nome de um arquivo.")
    return caminho


def _pesos(model):
    """([(nome, quantos números)], bytes): os pesos em 16 bits, uma peça depois da outra."""
    pesos = {nome: p.detach().cpu().half() for nome, p in model.state_dict().items()}
    if model.head.weight is model.token_embedding.weight:
        del pesos["head.weight"]    # a mesma tabela não viaja duas vezes
    for nome, p in pesos.items():
        if not p.isfinite().all():
            raise ValueError(f"«{nome}» tem números que não cabem em 16 bits (infinitos, NaN ou acima de 65.504); "
                             "o treino divergiu?")
    inteiros = torch.cat([p.flatten() for p in pesos.values()]).view(torch.int16)
    return [(nome, p.numel()) for nome, p in pesos.items()], inteiros.numpy().astype("<i2").tobytes()


def _pagina(dados, pesos, titulo, autoria):
    """O modelo de página com as lacunas {{…}} preenchidas; texto de gente nunca vira código."""
    molde = PAGINA.read_text(encoding="utf-8")
    # Só estes programas podem rodar na página: qualquer outro, venha de onde vier, o navegador recusa.
    programas = re.findall(r"<script id=\"\w+\">(.*?)</script>", molde, re.DOTALL)
    selos = [base64.b64encode(hashlib.sha256(p.encode()).digest()).decode() for p in programas]
    lacunas = {
        "titulo": html.escape(titulo),
        "autoria": html.escape(f"por {autoria}" if autoria else ""),
        "programas": " ".join(f"'sha256-{selo}'" for selo in selos),
        # Sem «<», nenhum texto do vocabulário consegue fechar o <script> em que está.
        "dados": json.dumps(dados).replace("<", "\\u003c"),
        "pesos": base64.b64encode(pesos).decode(),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda lacuna: lacunas[lacuna[1]], molde).encode()


def _resumo(caminho, model, tokenizer, token, titulo, autoria, tamanho):
    troca = " (já existe, e será trocado)" if os.path.exists(caminho) else ""
    unidade = {"palavra": "palavras e sinais", "caractere": "caracteres"}[token]
    nomes = _nomes(tokenizer)
    escritos = ", ".join(nomes[:MOSTRA]) + (f" e mais {len(nomes) - MOSTRA}" if len(nomes) > MOSTRA else "")
    dos_nomes = f"{len(nomes)} palavras que parecem nomes: {escritos}" if nomes else "nenhuma palavra que pareça nome"
    return "\n".join([
        f"O arquivo {caminho.name}{troca} vai levar, em {numero(tamanho / 1e6, 2)} MB:",
        f"  título      {titulo}",
        f"  autoria     {autoria or '(ninguém assina)'}",
        f"  modelo      {numero(sum(p.numel() for p in model.parameters()), 0)} números, em 16 bits cada",
        f"  vocabulário {numero(tokenizer.vocab_size - 1, 0)} {unidade}",
        f"  nomes       {dos_nomes}",
        "Quem abre a página lê tudo isso, e o modelo pode repetir trechos do texto em que treinou.",
        "Nomes são pessoais: passe adiante só primeiros nomes ou apelidos, de quem consentiu.",
    ])


def _nomes(tokenizer):
    """As palavras com maiúscula que não são das frases da gramática; num corpus qualquer, não só nomes."""
    gramatica = historinhas.padrao()
    frases = (f for enredo in gramatica.enredos for passo in enredo.passos for f in passo)
    comuns = {palavra for f in frases for p in f.pecas for palavra in p.possiveis}
    comuns -= {valor.palavra for categoria, tipo in gramatica.tipos.items() if tipo == "nome" for valor in gramatica.categorias[categoria]}
    return [p for p in tokenizer.vocab if len(p) > 1 and p[0].isupper() and p not in comuns]
