"""O ritmo de cada lição, medido: quantas células se veem, onde está cada exercício, e que nomes aparecem antes de explicados.

Uso: python tests/ritmo.py [NN ...]      imprime a tabela e, das lições pedidas, o que passa do orçamento
"""

import ast
import re
import sys
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / pasta) for pasta in ("", "ferramentas", "04-gpt-do-zero")]
from cadernos import celulas, numeradas, rotulos, texto  # noqa: E402

EXERCICIO = re.compile(r"^\s*confere\.(?!placar)\w+\(", re.MULTILINE)
CODIGO = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
TEMPO = re.compile(r"\*\*Tempo:\*\* uns (\d+) minutos")
# O que o Python básico já tem: estes nomes não são do PyTorch, mesmo que um tensor também os tenha.
DO_PYTHON = {n for tipo in (str, list, dict, set, tuple, int, float, bytes) for n in dir(tipo)} | {"grad_fn", "name", "names"}
# O que num objeto é do PyTorch: dos tensores, das camadas e dos otimizadores.
DO_TORCH = {n for tipo in (torch.Tensor, torch.nn.Module, torch.optim.Optimizer, torch.Generator) for n in dir(tipo) if not n.startswith("__")} - DO_PYTHON
CASAS = {"torch", "nn", "F"}


def linhas(celula):
    return [linha for linha in texto(celula).splitlines() if linha.strip() and not linha.startswith("#|")]


def dobrada(celula):
    return bool(celula["metadata"].get("jupyter", {}).get("source_hidden"))


def visiveis(licao):
    return [c for c in celulas(licao) if c["cell_type"] == "code" and linhas(c) and not dobrada(c) and "preparacao" not in rotulos(c)]


def tem_exercicio(celula):
    return bool(EXERCICIO.search(texto(celula)))


def sem_dobras(markdown):
    return re.sub(r"<details>.*?</details>|<!--.*?-->", "", markdown, flags=re.DOTALL)


def palavras(markdown):
    """As palavras que se leem num texto: o que está dobrado, as tabelas e os blocos de código não contam."""
    return len(re.sub(r"```.*?```|^\|.*$", "", sem_dobras(markdown), flags=re.DOTALL | re.MULTILINE).split())


def minutos(licao):
    """110 palavras por minuto, 6 segundos por linha visível, 5 minutos por exercício."""
    lidas = sum(len(sem_dobras(texto(c)).split()) for c in celulas(licao) if c["cell_type"] == "markdown")
    vistas = visiveis(licao)
    return lidas / 110 + sum(len(linhas(c)) for c in vistas) / 10 + 5 * sum(map(tem_exercicio, vistas))


def nomes_usados(celula):
    """Os nomes do PyTorch de uma célula, na ordem: `torch.tensor`, `nn.Linear`, `.softmax`, `.shape`…"""
    usados = {}
    for no in ast.walk(ast.parse(texto(celula))):
        if isinstance(no, ast.Attribute):
            if isinstance(no.value, ast.Name) and no.value.id in CASAS:
                usados[f"{no.value.id}.{no.attr}"] = None
            elif no.attr in DO_TORCH and ast.unparse(no.value) not in sys.stdlib_module_names and not (isinstance(no.value, ast.Attribute) and ast.unparse(no.value) in ("torch.nn", "torch.optim", "torch.nn.functional")):
                usados[f".{no.attr}"] = None
    return [n for n in usados if n not in ("torch.nn", "torch.optim", "torch.Tensor")]


def nomes_ditos(markdown):
    """O que um texto escreve com letra de código: cada palavra dos trechos, solta."""
    return {nome for trecho in CODIGO.findall(markdown) for nome in re.findall(r"\w+", trecho)}


def antes_da_hora(todas):
    """(lição, célula, nome) de cada nome do PyTorch que uma célula visível usa antes de um texto o escrever."""
    ditos, achados = set(), []
    for licao in todas:
        for celula in celulas(licao):
            if celula["cell_type"] == "markdown":
                ditos |= nomes_ditos(sem_dobras(texto(celula)))
            elif celula in visiveis(licao):
                achados += [(licao, celula["id"], nome) for nome in nomes_usados(celula) if nome.rpartition(".")[2] not in ditos]
                ditos |= {nome.rpartition(".")[2] for nome in nomes_usados(celula)}       # uma queixa por nome
    return achados


def medir(licao):
    vistas = visiveis(licao)
    marcas = "".join("E" if tem_exercicio(c) else "." for c in vistas)
    todas = celulas(licao)
    return {
        "lição": licao.stem[:24], "visíveis": len(vistas), "dobradas": sum(c["cell_type"] == "code" and dobrada(c) for c in todas),
        "1º exercício": marcas.find("E") + 1, "fila": max(map(len, marcas.split("E"))), "exercícios": marcas.count("E"),
        "mudas": sum("assert" in texto(c) and not c.get("outputs") for c in vistas),
        "linhas": sum(len(linhas(c)) for c in vistas), "linhas dobradas": sum(len(linhas(c)) for c in todas if c["cell_type"] == "code" and dobrada(c)),
        "palavras": sum(len(sem_dobras(texto(c)).split()) for c in todas if c["cell_type"] == "markdown"),
        "minutos": round(minutos(licao)),
    }


def queixas(licao):
    """O que na lição passa do orçamento do desenho (§3), uma frase cada."""
    m, vistas = medir(licao), visiveis(licao)
    achadas = [f"{nome}: {m[nome]}, e o {limite} é {quanto}" for nome, limite, quanto, passa in [
        ("visíveis", "máximo", 32, m["visíveis"] > 32), ("1º exercício", "máximo", 8, not 0 < m["1º exercício"] <= 8), ("fila", "máximo", 10, m["fila"] > 10),
        ("exercícios", "mínimo", 4, m["exercícios"] < 4), ("mudas", "máximo", 0, m["mudas"] > 0), ("minutos", "máximo", 75, m["minutos"] > 75)] if passa]
    for celula in vistas:
        # Uma classe ensinada, exportada ou da bancada de uma lição, pode chegar a trinta.
        classe = re.search(r"^#\| export", texto(celula), re.MULTILINE) or "bancada" in rotulos(celula) and re.search(r"^class ", texto(celula), re.MULTILINE)
        maximo = 30 if classe else 15
        if len(linhas(celula)) > maximo and not tem_exercicio(celula):
            achadas.append(f"{celula['id']}: {len(linhas(celula))} linhas visíveis, e o máximo é {maximo}")
    for celula in celulas(licao):
        if celula["cell_type"] == "markdown" and palavras(texto(celula)) > 120 and not texto(celula).startswith(("# ", "## Em resumo")):
            achadas.append(f"{celula['id']}: {palavras(texto(celula))} palavras, e o máximo é 120")
        if celula["cell_type"] == "code" and "conferencia" in rotulos(celula):
            escrito = "".join("".join(s.get("text", "")) for s in celula.get("outputs", []))
            if len(escrito.strip().splitlines()) != 1:
                achadas.append(f"{celula['id']}: a conferência escreve {len(escrito.strip().splitlines())} linhas, e não uma")
    dito = TEMPO.search(texto(celulas(licao)[0]))
    if not dito or abs(int(dito[1]) / minutos(licao) - 1) > 0.15:
        achadas.append(f"o tempo dito é {dito and dito[1]} minutos, e o contado, {m['minutos']}")
    return achadas


def main():
    pedidas = sys.argv[1:]
    tabela = [medir(licao) for licao in numeradas()]
    larguras = {k: max(len(k), *(len(str(m[k])) for m in tabela)) for k in tabela[0]}
    for linha in [dict(zip(larguras, larguras)), *tabela]:
        print("  ".join(str(linha[k]).ljust(larguras[k]) for k in larguras))
    for licao in numeradas():
        if licao.stem[:2] in pedidas:
            print(f"\n{licao.stem}:", *queixas(licao), sep="\n- ")
            print("nomes antes da hora:", *(f"{id} {nome}" for de, id, nome in antes_da_hora(numeradas()) if de == licao), sep="\n- ")


if __name__ == "__main__":
    main()
